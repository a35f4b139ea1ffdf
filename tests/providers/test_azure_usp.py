"""The messages of Azure's WebSocket protocol."""

from __future__ import annotations

import struct

import orjson
import pytest

from providers.azure_usp import (
    binary_message,
    json_message,
    read_usp,
    speech_config,
    text_message,
)
from providers.errors import InvalidResponseError

ID = "0123456789abcdef0123456789abcdef"
AT = "2026-11-22T05:47:55.239Z"


def test_a_text_message_is_headers_an_empty_line_and_a_body() -> None:
    assert text_message("ssml", "application/ssml+xml", "<speak/>", AT, ID) == (
        f"Path:ssml\r\nX-RequestId:{ID}\r\nX-Timestamp:{AT}\r\n"
        "Content-Type:application/ssml+xml\r\n\r\n<speak/>"
    )
    assert json_message("speech.config", {"a": 1}, AT) == (
        f'Path:speech.config\r\nX-Timestamp:{AT}\r\nContent-Type:application/json\r\n\r\n{{"a":1}}'
    )


def test_a_binary_message_begins_with_the_length_of_its_headers() -> None:
    head = f"Path:audio\r\nX-RequestId:{ID}\r\nX-Timestamp:{AT}\r\n".encode()
    more = b"Content-Type:audio/x-wav\r\nX-StreamId:1\r\n"
    assert binary_message("audio", b"\xff", AT, ID) == struct.pack(">H", len(head)) + head + b"\xff"
    size = struct.pack(">H", len(head + more))
    named = binary_message("audio", b"", AT, ID, content_type="audio/x-wav", stream="1")
    assert named == size + head + more


def test_both_are_read() -> None:
    text = read_usp("azure", f'X-RequestId:{ID}\r\nPath: Turn.Start\r\n\r\n{{"a":"b\\r\\n\\r\\n"}}')
    assert (text.path, text.request_id) == ("turn.start", ID)
    assert text.json("azure") == {"a": "b\r\n\r\n"}
    binary = read_usp("azure", binary_message("audio", b"\x01\x02", AT, ID.upper()))
    assert (binary.path, binary.request_id, binary.body) == ("audio", ID, b"\x01\x02")
    bare = read_usp("azure", b"\x00\x00")
    assert (bare.path, bare.request_id, bare.body) == ("", "", b"")


@pytest.mark.parametrize(
    "frame", ["<html>", "Path\r\n\r\n", b"", b"\x00", b"\x00\x09Path", b"\0\1x"]
)
def test_what_is_no_message_is_refused(frame: str | bytes) -> None:
    with pytest.raises(InvalidResponseError):
        read_usp("azure", frame)


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidResponseError):
        read_usp("azure", "Path:turn.end\r\n\r\n[]").json("azure")


def test_the_first_message_says_who_speaks() -> None:
    def context(message: str) -> object:
        return orjson.loads(message.partition("\r\n\r\n")[2])["context"]

    plain = context(speech_config(AT))
    assert isinstance(plain, dict)
    assert plain["system"]["name"] == "Parley"
    assert context(speech_config(AT, {"type": "Stream"})) == {
        **plain,
        "audio": {"source": {"type": "Stream"}},
    }
