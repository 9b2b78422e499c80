"""What is wrong with a command line, in our words: with a code, the problem, and the next step.

typer's own errors come from a copy of click that differs from version to version, so they are told apart by what they
carry (an option's name, a parameter) rather than by their classes.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from worker.errors import UsageError

_NO_COMMAND = re.compile(r"No such command '(.*?)'\..*")
_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)")
_WRONG = re.compile(r"(?:Input|Value) should (.*?)(?:, unable to parse .*)?")
_ALIKE = 0.7  # of 1, between what was written and an option that may have been meant
_HELP = "NoArgsIsHelpError"


def asks_for_help(error: Any) -> bool:
    """Whether nothing is wrong but that a group of commands was given none: its help is the answer."""
    return type(error).__name__ == _HELP


def explained(error: Any, arguments: list[str], root: Any) -> UsageError:
    """The error of a command line as ours.

    Args:
        error: what typer raised.
        arguments: the words after ``ak``.
        root: the command that stands for ``ak``.
    """
    path, command = _command(error, arguments, root)
    no_command = _NO_COMMAND.fullmatch(str(error.message))
    if no_command:
        return _no_command(no_command[1], path, command)
    option = getattr(error, "option_name", None)
    if option is not None:
        return _option(error, str(option), path, command)
    extra = _EXTRA.fullmatch(str(error.message))
    if extra:
        return UsageError(f"`{path}` takes no such argument: {extra[1]}", hint=_write(path, command))
    parameter = getattr(error, "param", None)
    if parameter is None:
        return UsageError(_sentence(error.format_message()), hint=f"See `{path} --help`.")
    if hasattr(error, "param_type"):
        return UsageError(f"`{path}` needs {_named(parameter)}", hint=_write(path, command))
    wrong = _WRONG.fullmatch(str(error.message))
    problem = f"should {wrong[1]}" if wrong else f"has a wrong value: {_sentence(str(error.message))}"
    return UsageError(f"{_named(parameter)} {problem}", hint=f"See `{path} --help`.")


def _command(error: Any, arguments: list[str], root: Any) -> tuple[str, Any]:
    """How the command is called, and the command; errors of the parser do not say which it was."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return context.command_path, context.command
    path, command = ["ak"], root
    for word in arguments:
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            break
        path, command = [*path, word], inner
    return " ".join(path), command


def _no_command(word: str, path: str, command: Any) -> UsageError:
    names = [name for name, item in command.commands.items() if not item.hidden]
    close = difflib.get_close_matches(word, names, 1)
    hint = f"Did you mean `{path} {close[0]}`? " if close else ""
    return UsageError(
        f"there is no command `{path} {word}`", hint=f"{hint}`{path} --help` lists what there is."
    )


def _option(error: Any, option: str, path: str, command: Any) -> UsageError:
    if not hasattr(error, "possibilities"):
        problem = "takes no value" if "does not take" in str(error.message) else "needs a value"
        return UsageError(f"{option} {problem}", hint=f"See `{path} --help`.")
    if option == "--json" and hasattr(command, "commands"):
        return UsageError(f"`{path}` needs a command", hint=f"`{path} --help` lists what there is.")
    known = [name for item in command.params for name in item.opts if name.startswith("--")]
    close = difflib.get_close_matches(option, known, 1, _ALIKE)
    hint = f"Did you mean {close[0]}? " if close else ""
    return UsageError(f"`{path}` has no option {option}", hint=f"{hint}`{path} --help` lists what there is.")


def _named(parameter: Any) -> str:
    """A parameter as the help calls it: ``--limit``, ``PROJECT``."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.name).upper()


def _write(path: str, command: Any) -> str:
    """How the command is written."""
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    words = [_named(item) if item.required else f"[{_named(item)}]" for item in arguments]
    return f"Write `{' '.join([path, *words])}`; `{path} --help` says more."


def _sentence(text: str) -> str:
    """A message of the library's in our style: a small letter first, no full stop."""
    return text[:1].lower() + text[1:].removesuffix(".")
