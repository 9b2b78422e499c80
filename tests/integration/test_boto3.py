"""Programs on boto3 run as they are: pages, collections, bodies and errors, replaying every step."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from tests.helpers.bed import bed_of
from tests.helpers.replaying import replaying
from tests.helpers.s3 import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROGRAM = """
import os
import time

import boto3
from botocore.exceptions import ClientError

OPTIONS = dict(
    endpoint_url=os.environ["S3"], region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
)


def pages(event):
    s3 = boto3.client("s3", **OPTIONS)
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="b"):
        found += [item["Key"] for item in page["Contents"]]
        time.sleep(0.001)
    return found + list(s3.get_paginator("list_objects_v2").paginate(Bucket="b").search("Contents[].Key"))


def collections(event):
    bucket = boto3.resource("s3", **OPTIONS).Bucket("b")
    return [[item.key for item in bucket.objects.all()], [item.key for item in bucket.objects.limit(2)]]


def bodies(event):
    s3 = boto3.client("s3", **OPTIONS)
    whole = s3.get_object(Bucket="b", Key="k0")["Body"].read().decode()
    parts = s3.get_object(Bucket="b", Key="k0")["Body"]
    first = parts.read(2)
    time.sleep(0.001)
    thing = boto3.resource("s3", **OPTIONS).Object("b", "k0")
    lines = [line.decode() for line in thing.get()["Body"].iter_lines()]
    return [whole, first.decode(), parts.read().decode(), lines, thing.content_length]


def errors(event):
    s3 = boto3.client("s3", **OPTIONS)
    caught = []
    try:
        s3.get_object(Bucket="b", Key="gone")
    except s3.exceptions.NoSuchBucket:
        caught.append("the wrong one")
    except s3.exceptions.NoSuchKey as error:
        caught.append(error.response["Error"]["Code"])
    try:
        boto3.resource("s3", **OPTIONS).Object("b", "gone").get()
    except ClientError as error:
        caught.append(type(error).__name__)
    return caught
"""
EXPECTED = {
    "pages": [["k0", "k1", "k2"] * 2, 6],
    "collections": [[["k0", "k1", "k2"], ["k0", "k1"]], 5],
    "bodies": [["hello\nworld", "he", "llo\nworld", ["hello", "world"], 5], 4],
    "errors": [["NoSuchKey", "NoSuchKey"], 2],
}


@pytest.fixture(scope="module")
def server():
    """What answers as S3."""
    with serving() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(temporal_server, server, tmp_path_factory):
    """A build process of such a project."""
    home = tmp_path_factory.mktemp("boto3")
    async with bed_of(
        {"main.py": PROGRAM},
        home,
        temporal_server.address,
        ["main.py:pages"],
        cached=0,
        budget=20.0,
        S3=server.url,
    ) as made:
        yield made


@pytest.mark.parametrize("handler", EXPECTED)
async def test_a_program_does_what_it_does_without_us(process, server, handler, monkeypatch):
    """Each request is made once, and a replay in another process makes none."""
    server.asked.clear()
    handle = await process.begin(f"main.py:{handler}")
    assert [await asyncio.wait_for(handle.result(), 90), len(server.asked)] == EXPECTED[handler]
    monkeypatch.setenv("S3", server.url)
    with replaying(process.name, process.directory, "main.py:pages", process.store.blobs) as (replayer, _):
        await replayer.replay_workflow(await handle.fetch_history())
    assert len(server.asked) == EXPECTED[handler][1]
