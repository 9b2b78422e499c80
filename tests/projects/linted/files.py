"""Files, text formats, logging."""

import csv
import io
import json
import logging
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import requests

import autokitteh

HERE = Path(__file__).parent
log = logging.getLogger(__name__)
logging.basicConfig(level=logging.INFO)


def reads_settings(event):
    with open(HERE / "settings.json") as file:
        settings = json.load(file)
    with (HERE / "people.csv").open() as file:
        people = [row["name"] for row in csv.DictReader(file)]
    return settings["title"], people


def reads_with_path(event):
    return json.loads(Path("settings.json").read_text())["title"]


def writes_a_report(event):
    with open(f"{event.data['scratch']}/report.txt", "w") as file:  # lint: file-write
        file.write("done")


def writes_with_path(event):
    Path(event.data["scratch"], "other.txt").write_text("done")  # lint: file-write


@autokitteh.activity
def write(directory, text):
    path = os.path.join(directory, "kept.txt")
    with open(path, "a") as file:
        file.write(text)
    return path


def writes_in_a_step(event):
    return write(event.data["scratch"], "done")


def looks_around(event):
    if os.path.exists("settings.json"):
        names = sorted(os.listdir("."))
        for path in sorted(Path().glob("*.json")):
            print(path.name, path.stat().st_size)
        return names


def copies(event):
    os.makedirs(f"{event.data['scratch']}/copies", exist_ok=True)  # lint: file-write
    shutil.copy("settings.json", f"{event.data['scratch']}/copies")  # lint: file-write


def uses_a_temporary_directory(event):
    with tempfile.TemporaryDirectory() as directory:  # lint: refused
        Path(directory, "x").write_text("x")  # lint: file-write


def makes_csv(event):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "name"])
    for item in requests.get(f"{event.data['base']}/items").json():
        writer.writerow([item["id"], item["name"]])
    requests.post(f"{event.data['base']}/items", data=out.getvalue())


def zips_in_memory(event):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return len(buffer.getvalue())


def logs(event):
    log.info("begun %s", event.data["base"])
    logging.warning("careful")
    try:
        int("x")
    except ValueError:
        log.exception("no number")
