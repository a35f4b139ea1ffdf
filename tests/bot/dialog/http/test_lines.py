from __future__ import annotations

import pytest

from bot.dialog import Hangup, Say
from bot.dialog.http.answer import InvalidAnswerError
from bot.dialog.http.lines import MAX_BYTES, Answers

SENT = '"Hello."\n\n{"say": "Grüß Gott."}\r\n{"action": "hangup"}'


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/jsonl; charset=utf-8"]
)
def test_lines_are_read_as_they_come(content_type: str, size: int) -> None:
    answers, body = Answers(content_type), SENT.encode()
    came = [answers.feed(body[start : start + size]) for start in range(0, len(body), size)]
    assert [reply for part in came for replies, _ in part for reply in replies] == [
        Say("Hello."), Say("Grüß Gott."),
    ]  # fmt: skip
    assert answers.end() == [([Hangup()], {})]
    assert answers.end() == []


def test_a_line_is_there_with_its_end() -> None:
    answers = Answers("Text/Plain; charset=utf-8")
    assert answers.feed(b"  Hello") == []
    assert answers.feed(b". \n\n{}") == [([Say("Hello.")], {})]
    assert answers.end() == [([Say("{}")], {})]


def test_one_value_is_read_at_its_end() -> None:
    answers = Answers("application/json")
    assert answers.feed(b'{"say":\n"Hel') == []
    assert answers.feed(b'lo."}\n') == []
    assert answers.end() == [([Say("Hello.")], {})]
    assert Answers("application/json").end() == []


@pytest.mark.parametrize("content_type", ["", "text/html", "application/octet-stream"])
def test_another_kind_of_body(content_type: str) -> None:
    with pytest.raises(InvalidAnswerError, match="Content-Type"):
        Answers(content_type)


@pytest.mark.parametrize(
    ("content_type", "body", "fault"),
    [
        ("application/json", b"Hello.", "is no JSON"),
        ("application/json", b'"a"\n"b"', "is no JSON"),
        ("application/x-ndjson", b"hush", "is no JSON"),
        ("text/plain", b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_cannot_be_read(content_type: str, body: bytes, fault: str) -> None:
    answers = Answers(content_type)
    assert answers.feed(body) == []
    with pytest.raises(InvalidAnswerError) as error:
        answers.end()
    assert fault in str(error.value)
    assert "hush" not in str(error.value)


def test_a_body_that_does_not_end() -> None:
    answers = Answers("application/json")
    assert answers.feed(b" " * MAX_BYTES) == []
    with pytest.raises(InvalidAnswerError, match="longer than"):
        answers.feed(b" ")
