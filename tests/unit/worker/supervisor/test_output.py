"""What a build process writes lands in its log, secrets hidden."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from asyncio.subprocess import PIPE, Process

from tests.helpers.waiting import eventually
from worker.supervisor.output import ProcessOutput

TOKEN = "t0p-secret"


async def started(log, script: str) -> tuple[ProcessOutput, Process]:
    """A process that writes into the log as a build process does."""
    output = ProcessOutput(log, [TOKEN])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdin=PIPE,
        stdout=output.write_end,
        pass_fds=(output.read_end,),
    )
    await output.begin()
    return output, process


async def test_secrets_of_programs_it_starts_are_hidden(tmp_path):
    """Whoever writes: the text goes through the same pipe; the last line needs no end."""
    log = tmp_path / "logs" / "p.log"
    output, process = await started(log, f"import os; os.system('echo x {TOKEN}; printf {TOKEN}')")
    await process.wait()
    output.close()
    output.close()
    assert log.read_text() == "x ••••••\n••••••"
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


async def test_lines_are_written_while_it_runs_and_new_secrets_hidden(tmp_path):
    """A line is there as soon as it is whole; a secret that is told later is hidden from then on."""
    log = tmp_path / "p.log"
    script = "print('new-token', flush=True); input(); print('new-token', flush=True)"
    output, process = await started(log, script)
    await eventually(lambda: log.read_text() == "new-token\n")
    output.hide(["new-token"])
    await process.communicate(b"\n")
    output.close()
    assert log.read_text() == "new-token\n••••••\n"


async def test_writing_goes_on_without_the_supervisor(tmp_path):
    """The reader's end is open in the process as well: no broken pipe ends what runs in it."""
    log = tmp_path / "p.log"
    script = "input(); print('after', flush=True); open('done', 'w').close()"
    output = ProcessOutput(log, [])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        cwd=tmp_path,
        stdin=PIPE,
        stdout=output.write_end,
        pass_fds=(output.read_end,),
    )
    os.close(output.write_end)
    os.close(output.read_end)
    await process.communicate(b"\n")
    assert (process.returncode, (tmp_path / "done").exists()) == (0, True)
    output._file.close()


async def test_long_lines_and_odd_bytes_pass(tmp_path):
    """A line of any length, and bytes that are no text, arrive as they are."""
    log = tmp_path / "p.log"
    script = "import sys; sys.stdout.buffer.write(b'x' * 300_000 + b'\\xff')"
    output, process = await started(log, script)
    await process.wait()
    output.close()
    assert log.read_bytes() == b"x" * 300_000 + b"\xff"


async def test_each_line_is_an_object_where_the_log_is_json(tmp_path):
    """Our own lines as they are, what others write as their text, secrets hidden in both; empty lines are none."""
    log = tmp_path / "p.log"
    output = ProcessOutput(log, [TOKEN], as_json=True)
    lines = ['{"action": "a"}', "", f"Traceback {TOKEN}", "the last words"]
    os.write(output.write_end, "\n".join(lines).encode())
    await output.begin()
    output.close()
    first, *others = [json.loads(line) for line in log.read_text().splitlines()]
    assert first == {"action": "a"}
    assert [(entry["action"], entry["text"]) for entry in others] == [
        ("output", "Traceback ••••••"),
        ("output", "the last words"),
    ]
