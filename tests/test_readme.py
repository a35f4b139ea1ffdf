"""The README's examples work, and its tables are those of the code."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from pydantic_core import PydanticUndefined

from bot.api.stt.settings import ASR_VARIABLES
from bot.cli import cli
from bot.dialog import Call, Turn
from bot.dialog.chat import load_chat
from bot.dialog.hook import METHODS, Dialog, load_dialog
from bot.dialog.resources import Resources
from bot.dialog.types import Action
from bot.phone.steps import load_steps
from bot.settings import Settings
from providers.settings import VendorSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTINGS_ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`(.*?)`)? ?\|", re.MULTILINE)
TOKEN = "0123456789abcdef0123456789abcdef"


def blocks(language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(README) if kind == language]


def files() -> dict[str, str]:
    """The examples to be saved, by the name in their first line."""
    examples = blocks("python") + blocks("toml")
    named = {text.partition("\n")[0].removeprefix("# "): text for text in examples}
    assert len(named) == len(examples)
    return named


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the README's files, which is the working directory."""
    for name, text in files().items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "bot").symlink_to(ROOT / "bot")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in files():
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    return tmp_path


def test_the_first_two_commands_stand_first() -> None:
    assert blocks("sh")[:2] == ["infra/run parley demo\n", "infra/run pytest -q\n"]


def test_the_ci_runs_the_second_block() -> None:
    source = (ROOT / ".ci" / "run").read_text("utf-8")
    function = re.search(r"^readme_block\(\) \{.*?^\}", source, re.MULTILINE | re.DOTALL)
    assert function is not None
    script = f"{function[0]}\nreadme_block 2"
    ran = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout == blocks("sh")[1]
    assert "$(readme_block 2)" in source


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines()]


@pytest.mark.parametrize("line", commands())
def test_a_command_is_one(line: str) -> None:
    words = [word for word in shlex.split(line) if "=" not in word]
    assert words.pop(0) == "infra/run"
    if words[0] == "pytest":
        return
    if words[0] == "uvicorn":
        module, _, name = words[1].partition(":")
        assert callable(getattr(importlib.import_module(module), name))
        return
    if words[0] == "python":
        assert importlib.util.find_spec(words[2]) is not None
        assert all((ROOT / word).is_file() for word in words if "/" in word)
        return
    assert words.pop(0) == "parley"
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    with command.make_context("parley", words) as context:
        named = [*context.params.get("audio", ())]
    named += [word for word in words if word.startswith("bot/")]
    assert all((ROOT / path).is_file() for path in named)


async def said(dialog: Dialog, call: Call, text: str) -> list[object]:
    return [reply async for reply in dialog.on_turn(call, Turn("1", text))]


async def test_the_smallest_bot_answers(saved: Path) -> None:
    call = Call("CA1", "+15550100001", "+15550100002", "inbound")
    assert "PARLEY_DIALOG=hello:reply" in README
    assert await said(load_dialog("hello:reply")(), call, "hi") == ["You said hi."]


async def test_the_class_does_what_it_says(saved: Path) -> None:
    call = Call("CA1", "+15550100001", "+15550100002", "inbound")
    dialog = load_dialog("hotline:Hotline")()
    greeting = [reply async for reply in dialog.greet(call)]
    assert [type(reply).__name__ for reply in greeting] == ["Say", "Say", "Gather"]
    assert await said(dialog, call, "hi") == ["You said hi. ", "What else?"]
    assert [type(r).__name__ for r in await said(dialog, call, "well goodbye")] == ["str", "Hangup"]
    assert [type(r).__name__ for r in await said(dialog, call, "hm")] == ["str", "Transfer"]


async def test_the_script_runs(saved: Path) -> None:
    call = Call("CA1", "+15550100001", "+15550100002", "inbound")
    dialog = load_dialog("script:table.toml")()
    assert [reply async for reply in dialog.greet(call)]
    for words in ("for four people please", "on friday"):
        await said(dialog, call, words)
    assert call.state["result"] == {"guests": "4", "day": "friday"}


async def test_the_model_is_told_of_its_tools(saved: Path) -> None:
    resources = Resources(openai={"api_key": "k"})
    bot = load_chat(Path("luigi.toml"), resources)
    assert list(bot.tools) == ["find_table", "hang_up", "transfer"]
    call = Call("CA1", "+15550100001", "+15550100002", "inbound")
    results: list[object] = []
    tool = bot.tools["find_table"]
    await tool.run(tool.parse('{"guests": 2, "day": "friday"}'), call, results.append)
    assert (results, call.state) == (["There is one at eight on friday."], {"guests": 2})
    await resources.aclose()


def test_the_library_speaks_and_listens(saved: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "listen.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("your table is ready pocketsphinx\n", "")


def test_the_steps_load(saved: Path) -> None:
    written = tomllib.loads((saved / "steps.toml").read_text("utf-8"))
    assert len(load_steps(saved / "steps.toml")) == len(written["steps"])


def test_the_settings_file_loads(saved: Path) -> None:
    settings = Settings.load(env={"TWILIO_AUTH_TOKEN": TOKEN, "HOME": str(saved)})
    assert settings.max_calls == 20
    for bot in settings.bots():
        load_dialog(bot.dialog)


def variables() -> dict[str, str]:
    """Every variable that is read, but for those of vendors, which have pages; and its default."""
    elsewhere = {"dev", "numbers", *VendorSettings.model_fields}
    fields = {key: field for key, field in Settings.model_fields.items() if key not in elsewhere}
    named = {}
    for key, field in fields.items():
        own = key == "twilio_api_url"
        foreign = (key.startswith("twilio_") and not own) or key == "redis_url"
        foreign |= key.upper() in ASR_VARIABLES
        default = "" if field.default in (None, (), PydanticUndefined) else str(field.default)
        named[key.upper() if foreign else f"PARLEY_{key.upper()}"] = default
    return named


def test_every_setting_is_in_the_table_with_its_default() -> None:
    assert dict(SETTINGS_ROW.findall(README)) == variables()


def test_every_setting_that_is_named_exists() -> None:
    # Of the worker's settings, and of what reads them: its TOML file, and infra/run.
    known = {*variables(), "PARLEY_CONFIG", "PARLEY_PYTHON", "PARLEY_VENV"}
    assert set(re.findall(r"\bPARLEY_[A-Z_]+", README)) <= known


def test_every_method_and_action_is_in_its_table() -> None:
    rows = re.findall(r"^\| `(\w+)\(", README, re.MULTILINE)
    actions = [action.__name__ for action in Action.__args__]
    assert sorted(rows) == sorted([*METHODS, *actions])


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
