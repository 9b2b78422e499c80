"""Fetch some articles over HTTP, digest them, send the digest back: every request is one durable step."""

import os
import random
from datetime import datetime
from pathlib import Path

import requests

from digest import Digest, clean

client = requests.Session()
client.headers["User-Agent"] = "http-digest"


def on_request(event):
    base = os.getenv("BASE_URL")
    token = os.getenv("API_TOKEN")
    started = datetime.now()
    digest = Digest(Path("template.txt").read_text())
    articles = client.get(f"{base}/articles", headers={"Authorization": f"Bearer {token}"}).json()
    for article in random.sample(articles, len(articles)):
        try:
            response = client.get(f"{base}/articles/{article['id']}")
            response.raise_for_status()
        except requests.HTTPError as error:
            print(f"article {article['id']}: {error.response.status_code}")
            continue
        digest.add(article["id"], clean(response.text))
    text = digest.render(started)
    answer = requests.post(f"{base}/digests", json={"text": text, "count": len(digest)}, timeout=10)
    print(f"digest of {len(digest)} articles: {answer.status_code}")
    return {"count": len(digest), "text": text}
