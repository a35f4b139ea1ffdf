from __future__ import annotations

import subprocess
import sys

import click
import pytest

from bot import cli


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(list(args))
    out, err = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, out, err


def answer(monkeypatch: pytest.MonkeyPatch, command: click.Command) -> None:
    """Make `command` the one that `parley serve` is."""
    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "parley demo" in out
    for name, (_, text) in cli.COMMANDS.items():
        assert name in out
        assert text in out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith("parley, version ")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_with_an_example(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert f"Usage: parley {name}" in out
    assert "Example" in out


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["nope"], "parley: No such command 'nope'. (see parley --help)\n"),
        (
            ["serve", "--port", "x"],
            "parley serve: Invalid value for '--port': 'x' is not a valid integer. "
            "(see parley serve --help)\n",
        ),
    ],
)
def test_bad_usage_is_one_line(
    capsys: pytest.CaptureFixture[str], args: list[str], line: str
) -> None:
    code, out, err = run(capsys, *args)
    assert (code, out) == (2, "")
    assert (
        err.replace("option '--nope'", "option '--nope'").replace(": --nope", " '--nope'.") == line
    )


def test_a_commands_answer_is_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, click.Command("serve", callback=lambda: 1))
    assert run(capsys, "serve")[0] == 1
    answer(monkeypatch, click.Command("serve", callback=lambda: None))
    assert run(capsys, "serve")[0] == 0


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "parley: stopped\n"),
        (click.Abort(), 130, "parley: stopped\n"),
        (click.ClickException("no disk"), 1, "parley: no disk\n"),
        (click.UsageError("no file"), 2, "parley serve: no file (see parley serve --help)\n"),
    ],
)
def test_how_a_command_fails(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    line: str,
) -> None:
    def fail() -> None:
        raise error

    answer(monkeypatch, click.Command("serve", callback=fail))
    given, out, err = run(capsys, "serve")
    assert (given, out, err.lstrip("\n")) == (code, "", line)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    script = (
        "import sys, bot.cli\n"
        "try: bot.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'uvicorn', 'redis', 'pydantic', 'twilio'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("args", [("voices", "--help"), ("--help",)])
def test_a_full_disk_is_said_in_one_line(args: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "bot", *args], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    said = b"parley: what was to be said cannot be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, said)
