from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

import bot.dialog.http
from bot.dialog import (
    Action,
    CallBack,
    DoNotCall,
    Expect,
    Gather,
    Hangup,
    Play,
    Say,
    SendDigits,
    SetLanguage,
    Transfer,
)
from bot.dialog.http.answer import InvalidAnswerError, read_answer, schema

KEPT = Path(bot.dialog.http.__file__).parent / "answer.schema.json"
ACTIONS: list[tuple[dict[str, Any], Action]] = [
    ({"action": "say", "text": "Hi", "interruptible": False}, Say("Hi", interruptible=False)),
    ({"action": "play", "path": "a.wav"}, Play("a.wav")),
    ({"action": "hangup"}, Hangup()),
    ({"action": "hangup", "reason": "done"}, Hangup("done")),
    ({"action": "transfer", "to": "+15551234567"}, Transfer("+15551234567")),
    (
        {"action": "transfer", "to": "sip:a@b.example", "caller_id": "+15550100001"},
        Transfer("sip:a@b.example", "+15550100001"),
    ),
    ({"action": "send_digits", "digits": "1w2"}, SendDigits("1w2")),
    ({"action": "gather"}, Gather()),
    (
        {"action": "gather", "digits": 4, "finish_on": "*", "timeout_s": 2},
        Gather(4, "*", 2.0),
    ),
    ({"action": "set_language", "language": "fr-FR"}, SetLanguage("fr-FR")),
    ({"action": "expect", "phrases": ["yes", "no"]}, Expect(("yes", "no"))),
    ({"action": "do_not_call"}, DoNotCall()),
    ({"action": "call_back", "after_s": 3600}, CallBack(3600)),
]


def allowed(value: object) -> bool:
    return bool(Draft202012Validator(schema()).is_valid(value))


def test_the_schema_that_is_kept_is_that_of_the_code() -> None:
    Draft202012Validator.check_schema(schema())
    assert orjson.loads(KEPT.read_bytes()) == schema()


@pytest.mark.parametrize(("value", "action"), ACTIONS)
def test_an_action(value: dict[str, Any], action: Action) -> None:
    assert read_answer(value) == ([action], {})
    assert read_answer({"actions": [value]}) == ([action], {})
    assert allowed(value)
    assert allowed({"actions": [value]})


def test_every_action_has_a_form() -> None:
    assert {type(action) for _, action in ACTIONS} == set(Action.__args__)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Hello.", ([Say("Hello.")], {})),
        ({}, ([], {})),
        ({"say": "Hello."}, ([Say("Hello.")], {})),
        (
            {"say": ["A.", "B."], "actions": [{"action": "hangup"}], "state": {"a": [1]}},
            ([Say("A."), Say("B."), Hangup()], {"a": [1]}),
        ),
    ],
)
def test_speech_actions_and_state(value: object, read: object) -> None:
    assert read_answer(value) == read
    assert allowed(value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "the answer: "),
        (3, "the answer: "),
        ([{"action": "hangup"}], "the answer: "),
        ({"hush": 1}, "the answer: there is a key that does not belong there"),
        ({"say": 3}, "say.str: "),
        ({"state": []}, "state: "),
        ({"action": "hang_up"}, "there is no such action; it may be 'say', 'play'"),
        ({"actions": [{"action": "cook"}]}, "actions.0: there is no such action"),
        ({"actions": ["hangup"]}, "actions.0: "),
        ({"action": "transfer"}, "transfer.to: Field required"),
        ({"action": "hangup", "hush": 1}, "hangup: there is a key that does not belong there"),
        ({"action": "gather", "digits": 0}, "gather.digits: "),
        ({"action": "expect", "phrases": "yes"}, "expect.phrases: "),
    ],
)
def test_what_is_no_answer(value: object, fault: str) -> None:
    with pytest.raises(InvalidAnswerError) as error:
        read_answer(value)
    assert fault in str(error.value)
    assert "hush" not in str(error.value)
    assert not allowed(value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"action": "transfer", "to": "1234x"}, "transfer.to: write a number as +15551234567"),
        ({"action": "send_digits", "digits": "1234x"}, "SendDigits takes"),
        ({"action": "play", "path": "1234x\0.wav"}, "play.path: Value error, it holds"),
        ({"action": "play", "path": "1234x\udce9.wav"}, "play.path: Value error, it holds"),
    ],
)
def test_what_an_action_itself_refuses(value: object, fault: str) -> None:
    with pytest.raises(InvalidAnswerError) as error:
        read_answer(value)
    assert fault in str(error.value)
    assert "1234x" not in str(error.value)
