"""Subprocesses, sqlite3, environment, working directory, ``sys.exit`` caught, platform facts."""

import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile

import autokitteh


@autokitteh.activity
def database(path):
    with sqlite3.connect(path) as db:
        db.execute("create table t (a int, b text)")
        db.executemany("insert into t values (?, ?)", [(1, "x"), (2, "y")])
        return db.execute("select sum(a), group_concat(b) from t").fetchone()


@autokitteh.activity
def talk():
    p = subprocess.Popen([sys.executable, "-c", "print(input()[::-1])"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    out, err = p.communicate("abc\n")
    return out.strip(), err, p.returncode


@autokitteh.activity
def in_folder():
    with tempfile.TemporaryDirectory() as d:
        return database(os.path.join(d, "x.db"))


@autokitteh.activity
def in_memory():
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.execute("create table t (a int, b text)")
    cursor = db.cursor()
    cursor.execute("insert into t values (1, 'one')")
    db.commit()
    rows = [dict(row) for row in db.execute("select * from t")]
    try:
        db.execute("select * from nope")
    except sqlite3.OperationalError as error:
        rows.append(str(error))
    db.close()
    return rows


def main(event=None):
    print(repr(sys.stdin.read()))
    print(subprocess.run(["echo", "hi"], capture_output=True, text=True).stdout.strip())
    print(subprocess.check_output("echo $((1 + 1)); exit 0", shell=True).decode().strip())
    try:
        subprocess.run(["sh", "-c", "echo bad >&2; exit 4"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        print(error.returncode, error.stderr, error.cmd)
    try:
        subprocess.run(["no-such-command-at-all"])
    except FileNotFoundError as error:
        print(error.filename, error.errno)
    print(talk())
    print(subprocess.getoutput("echo output"), os.system("exit 3") >> 8)
    print(in_folder())
    print(in_memory())
    print(os.environ["GREETING"], os.getenv("NOPE", "default"), "GREETING" in os.environ)
    os.environ["MADE"] = "here"
    print(os.getenv("MADE"))
    before = os.getcwd()
    os.chdir("shapes")
    print(os.path.basename(os.getcwd()), len(open("lazy.py").readlines()))
    os.chdir(before)
    try:
        sys.exit("bye")
    except SystemExit as error:
        print("caught", error)
    del os.environ["MADE"]
    print(subprocess.run("echo $GREETING", shell=True, capture_output=True, text=True).stdout.strip())
    print(sys.version_info >= (3, 11), os.name, shlex.split("a 'b c'"), os.sep, os.linesep == "\n")
    print(sys.argv[1:], sys.getrecursionlimit() >= 1000, sys.maxsize > 2**32)


if __name__ == "__main__":
    main()
