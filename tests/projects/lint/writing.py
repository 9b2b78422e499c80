import gzip
import os
from pathlib import Path

import autokitteh


def writes(event):
    with open("out.txt", "w") as file:  # lint: file-write
        file.write("x")
    with gzip.open("out.gz", mode="wb") as file:  # lint: file-write
        file.write(b"x")
    Path("notes").write_text("x")  # lint: file-write
    os.remove("out.txt")  # lint: file-write


@autokitteh.activity
def writes_in_a_step():
    with open("out.txt", "w") as file:
        file.write("x")


def reads(event):
    writes_in_a_step()
    with open("out.txt") as file:
        return file.read(), Path("notes").read_text()
