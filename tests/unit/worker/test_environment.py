"""A project's interpreter: which requirements count, what an environment is filed under, when it is made."""

from __future__ import annotations

import sys

import pytest

from worker import environment
from worker.errors import DeployError


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("# nothing\n\n   \n", []),
        ("requests==2.0  # pinned\n", ["requests==2.0"]),
        ("pkg @ git+https://example.com/a#egg=pkg\n", ["pkg @ git+https://example.com/a#egg=pkg"]),
        (
            "autokitteh\nAutoKitteh[all]>=0.5\nautokitteh-temporal ~= 1\nautokitteh ; python_version > '3'\n",
            [],
        ),
        ("autokitteh-extras\nautokittehs\n", ["autokitteh-extras", "autokittehs"]),
        ("-r more.txt\n./lib\n", ["-r more.txt", "./lib"]),
        (
            "autokitteh==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nrequests==2 \\\n  --hash=sha256:cc\n",
            ["requests==2   --hash=sha256:cc"],
        ),
        ("requests \\\n# why\nhttpx\n", ["requests", "httpx"]),
        ("# a comment \\\nrequests\n", ["requests"]),
        ("requests \\", ["requests"]),
    ],
)
def test_requirements_that_mean_something(text, lines):
    """Comments, empty lines and requirements on ourselves are left out."""
    assert environment.requirement_lines(text) == lines


def test_runtime_requirements_are_those_of_a_build_process():
    """What only the command line and the gateway need is not forced on a project."""
    names = " ".join(environment.runtime_requirements()).lower()
    assert "temporalio" in names
    assert "cloudpickle" in names
    assert not any(name in names for name in ("typer", "uvicorn", "starlette", "extra =="))


def test_key_is_that_of_the_content():
    """Comments change nothing; another requirement or another Python is another environment."""
    plain = environment.key("requests\n")
    assert plain == environment.key("# for http\nrequests   # yes\nautokitteh\n")
    assert plain != environment.key("requests\nhttpx\n")
    assert len(plain) == 24


def test_key_depends_on_python(monkeypatch):
    """An environment belongs to the interpreter that made it."""
    before = environment.key("requests")
    monkeypatch.setattr(environment.sys, "version", "3.99.0")
    assert environment.key("requests") != before


def test_projects_without_requirements_run_in_ours(tmp_path):
    """Nothing is made."""
    assert environment.interpreter("# none\nautokitteh\n", tmp_path / "cache", tmp_path) == sys.executable
    assert list(tmp_path.iterdir()) == []


def test_environment_is_made_once(tmp_path, monkeypatch):
    """The second project with the same requirements finds it."""
    made = []

    def build(home, requirements, directory, tell):
        home.mkdir()
        made.append((home.name, requirements, directory))

    monkeypatch.setattr(environment, "build", build)
    python = environment.interpreter("requests\n", tmp_path, tmp_path / "one")
    assert python == environment.interpreter("# same\nrequests\n", tmp_path, tmp_path / "two")
    assert python == str(tmp_path / "environments" / environment.key("requests") / "bin" / "python")
    assert made == [(environment.key("requests"), "requests\n", tmp_path / "one")]


def test_environment_that_failed_is_made_again(tmp_path, monkeypatch):
    """What was cut short never counts as ready."""
    made = []

    def build(home, requirements, directory, tell):
        made.append(home)
        home.mkdir(exist_ok=True)
        if len(made) == 1:
            raise DeployError("no")

    monkeypatch.setattr(environment, "build", build)
    with pytest.raises(DeployError):
        environment.interpreter("requests\n", tmp_path, tmp_path)
    assert environment.interpreter("requests\n", tmp_path, tmp_path)
    assert len(made) == 2


def test_installer_failure_names_the_line(tmp_path):
    """The resolver's reason is shown with the requirement it blames; of a long one, the beginning."""
    script = (
        "import sys; print('no version of Nosuch==9', *range(50), sep='\\n\\n', file=sys.stderr); sys.exit(1)"
    )
    with pytest.raises(DeployError, match="no version of Nosuch==9") as refused:
        environment.run([sys.executable, "-I", "-S", "-c", script], tmp_path, "requests\n\nnosuch==9\n")
    assert refused.value.where == "requirements.txt:3"
    assert "\n  10" in str(refused.value)
    assert "\n  11" not in str(refused.value)


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("because you require requests==1", 2),
        ("Because REQUESTS-OAUTHLIB was not found", 3),
        ("the network is down", 1),
        ("conflict with temporalio", 1),
    ],
)
def test_blame_finds_the_requirement(reason, line):
    """Names are compared as words, whatever their case; where none is named it is the first line."""
    assert environment.blamed(reason, "# about requests\nrequests==1\nrequests-oauthlib\n[odd\n") == line
