"""Files: ``with open``, pathlib, csv, zip, gzip, json, tempfile, shutil, os, glob, configparser, pickles."""

import configparser
import csv
import glob
import gzip
import io
import json
import os
import pickle
import shelve
import shutil
import tempfile
import zipfile
from pathlib import Path

import autokitteh


class Store:
    def __init__(self, path):
        self.path = Path(path)

    def __setitem__(self, key, value):
        (self.path / key).write_text(value)

    def __getitem__(self, key):
        return (self.path / key).read_text()

    def __lshift__(self, line):
        with (self.path / "log").open("a") as f:
            f.write(line + "\n")
        return self

    def __iter__(self):
        return iter(sorted(p.name for p in self.path.iterdir()))


@autokitteh.activity
def work():
    with tempfile.TemporaryDirectory() as folder:
        in_folder(folder)
        print(shelf(folder))
    return os.path.exists(folder)


def in_folder(folder):
    path = Path(folder)
    with open(path / "a.txt", "w") as f:
        print("one", "two", sep="\n", file=f)
        f.writelines(["three\n"])
    with open(path / "a.txt") as f:
        for number, line in enumerate(f, 1):
            print(number, line.rstrip())
    with (path / "a.txt").open("rb") as f:
        f.seek(-6, os.SEEK_END)
        print(f.read(), f.tell())
    store = Store(path)
    store["k"] = "v"
    store << "l1" << "l2"
    print(store["k"], store["log"].split(), list(store))
    with open(path / "t.csv", "w", newline="") as f:
        w = csv.DictWriter(f, ["a", "b"])
        w.writeheader()
        w.writerows([{"a": 1, "b": "x,y"}, {"a": 2, "b": "z"}])
    with open(path / "t.csv") as f:
        print(list(csv.DictReader(f)))
    with zipfile.ZipFile(path / "z.zip", "w") as z:
        z.write(path / "a.txt", "a.txt")
        z.writestr("b.txt", "bb")
    with zipfile.ZipFile(path / "z.zip") as z:
        print(z.namelist(), z.read("b.txt"))
    with gzip.open(path / "g.gz", "wt") as f:
        f.write("zipped")
    print(gzip.open(path / "g.gz", "rt").read())
    json.dump({"a": 1}, open(path / "j.json", "w"))
    print(json.load(open(path / "j.json")))
    with open(path / "p.pkl", "wb") as f:
        pickle.dump({1: (2, {3})}, f)
    with open(path / "p.pkl", "rb") as f:
        print(pickle.load(f))
    print(sorted(os.path.basename(p) for p in glob.glob(str(path / "*.*"))), path.exists(), (path / "nope").exists())
    print((path / "a.txt").stat().st_size, os.path.getsize(path / "a.txt"), sorted(os.listdir(path))[:2])
    (path / "sub").mkdir()
    shutil.copy(path / "a.txt", path / "sub" / "c.txt")
    (path / "a.txt").rename(path / "moved.txt")
    print([(os.path.relpath(r, path), sorted(d), sorted(f)[:2]) for r, d, f in os.walk(path)])
    (path / "moved.txt").unlink()
    shutil.rmtree(path / "sub")
    try:
        (path / "moved.txt").read_text()
    except FileNotFoundError as error:
        print(type(error).__name__, error.errno, os.path.basename(error.filename))
    try:
        open(path / "nope.txt")
    except FileNotFoundError as error:
        print(error.strerror)


@autokitteh.activity
def shelf(folder):
    with shelve.open(os.path.join(folder, "shelf")) as db:
        db["x"] = [1]
    with shelve.open(os.path.join(folder, "shelf")) as db:
        return dict(db)


def main(event=None):
    print(work())
    buffer = io.StringIO()
    csv.writer(buffer).writerow([1, "a b"])
    print(repr(buffer.getvalue()), io.BytesIO(b"abc").read(2))
    config = configparser.ConfigParser()
    config.read_string("[a]\nx = 1\n[b]\ny = ${a:x}")
    print(config["a"]["x"], config.sections(), config.getint("a", "x"))
    print(len(Path("data.txt").read_text()), Path("data.txt").suffix, open("data.txt").readline().strip())
    with open(Path(__file__).parent / "data.txt", encoding="utf-8") as f:
        print([line.split() for line in f])
    print(os.path.isfile("data.txt"), os.path.isdir("shapes"), [p.name for p in Path("shapes").glob("*.py")] != [])


if __name__ == "__main__":
    main()
