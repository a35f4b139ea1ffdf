from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bot.dialog import DialogError
from bot.dialog.chat import load_chat
from bot.dialog.chat.file import read_chat
from bot.dialog.hook import load_dialog
from bot.dialog.resources import Resources

from . import talks
from .talks import toml

LEAST = {"prompt": "Be brief.", "model": "m"}
KEY = Resources(openai={"api_key": "k"})
BOOK = f"{talks.__name__}:book"


def written(folder: Path, keys: dict[str, Any]) -> Path:
    path = folder / "chat.toml"
    path.write_text(toml({**LEAST, **keys}), "utf-8")
    return path


def test_the_least_that_a_file_holds(tmp_path: Path) -> None:
    file = read_chat(written(tmp_path, {}))
    assert (file.greeting, file.fallback_model, file.tools, file.transfer) == (None, None, [], {})
    assert (file.first_token_s, file.timeout_s, file.tool_timeout_s) == (3, 30, 5)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"promt": ""}, "promt: there is no such key"),
        ({"prompt": ""}, "prompt: must not be empty"),
        ({"temperature": 3}, "temperature: "),
        ({"first_token_s": 0}, "first_token_s: "),
        ({"first_token_s": 5, "timeout_s": 4}, "timeout_s is shorter than first_token_s"),
        ({"base_url": "http://api.example.com/v1"}, "base_url: write the https:// address"),
        ({"base_url": "https://u:p@api.example.com"}, "base_url: write the https:// address"),
        ({"transfer": {"cook": "12"}}, "transfer.cook: Transfer to '12'"),
        ({"greeting": "Hello {nmae}"}, "greeting holds {nmae}, which stands for nothing"),
        ({"idle": ["Well, {nmae}?"]}, "idle holds {nmae}"),
        ({"prompt": "{nmae}"}, "or write {{nmae}} for the text itself"),
        ({"request": {"messages": [], "top_p": 1}}, "[request] may not hold messages"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, keys: dict[str, Any], fault: str) -> None:
    path = written(tmp_path, keys)
    with pytest.raises(DialogError) as error:
        read_chat(path)
    assert str(error.value).startswith(f"chat {path}: ")
    assert fault in str(error.value)


@pytest.mark.parametrize("value", ["2026-11-21", "nan", "[inf]"])
def test_what_cannot_be_sent(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, {})
    path.write_text(f"{path.read_text('utf-8')}[request]\nsince = {value}\n", "utf-8")
    with pytest.raises(DialogError, match="holds what JSON cannot"):
        read_chat(path)


@pytest.mark.parametrize(
    ("keys", "resources", "fault"),
    [
        ({}, Resources(), "OPENAI_API_KEY is not set"),
        ({"base_url": "https://eu.api.openai.com/v1"}, Resources(), "OPENAI_API_KEY is not set"),
        ({"first_token_s": 11}, KEY, "first_token_s is 11, but PARLEY_HOOK_TIMEOUT_S"),
        ({"tool_timeout_s": 12.5}, KEY, "tool_timeout_s is 12.5, but PARLEY_HOOK_TIMEOUT_S"),
        ({"tools": ["talks"]}, KEY, "write module:function"),
        ({"tools": ["no_such_module:f"]}, KEY, "tool 'no_such_module:f': no module"),
        ({"tools": [f"{talks.__name__}:cook"]}, KEY, "has no 'cook'"),
        ({"tools": [BOOK, BOOK]}, KEY, "two tools are called book"),
    ],
)
def test_what_cannot_be_loaded(
    tmp_path: Path, keys: dict[str, Any], resources: Resources, fault: str
) -> None:
    with pytest.raises(DialogError) as error:
        load_dialog(f"chat:{written(tmp_path, keys)}", resources)
    assert fault in str(error.value)


@pytest.mark.parametrize(
    ("keys", "account"),
    [
        ({"base_url": "http://127.0.0.1:11434/v1"}, {}),
        ({"base_url": "https://api.example.com/v1"}, {}),
        ({}, {"base_url": "http://localhost:8000/v1"}),
        ({}, {"api_key": "k", "org_id": "o", "project_id": "p"}),
    ],
)
async def test_a_server_of_ones_own_needs_no_key(
    tmp_path: Path, keys: dict[str, Any], account: dict[str, str]
) -> None:
    resources = Resources(openai=account)
    bot = load_chat(written(tmp_path, {**keys, "transfer": {"cook": "+15551234567"}}), resources)
    assert list(bot.tools) == ["hang_up", "transfer"]
    assert bot.dialog() is not bot.dialog()
    await resources.aclose()


async def test_what_a_campaigns_model_may_do(tmp_path: Path) -> None:
    resources = Resources(openai={"api_key": "k"})
    keys = {"hang_up": False, "do_not_call": True, "call_back": True}
    assert list(load_chat(written(tmp_path, keys), resources).tools) == ["do_not_call", "call_back"]
    await resources.aclose()


def test_an_extra_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("bot.dialog.chat")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(DialogError, match=r"pip install 'parley\[openai\]'"):
        load_dialog(f"chat:{written(tmp_path, {})}", KEY)
