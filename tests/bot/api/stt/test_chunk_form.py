"""Forms with a chunk of audio, and whatever else may be sent in their place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from bot.api.stt import chunk_form
from bot.api.stt.chunk_form import read_chunk_form
from bot.api.stt.faults import Fault

MOST = 4096
BOUNDARY = "multipart/form-data; boundary=b"


def request(parts: Iterable[bytes], **headers: str) -> Request:
    """A request with a body that comes in these parts."""
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


def encoded(**sent: Any) -> Request:
    """A request as httpx sends it."""
    made = httpx.Request("POST", "http://here/", **sent)
    return request([made.read()], content_type=made.headers["content-type"])


async def refusal(asked: Request) -> Fault:
    with pytest.raises(Fault) as caught:
        await read_chunk_form(asked, MOST)
    return caught.value


async def test_a_form_is_read() -> None:
    asked = encoded(
        files={"audio_chunk": b"\0\xff" * 2048}, data={"language": "de", "phrases": ["a", "b"]}
    )
    pairs, audio = await read_chunk_form(asked, MOST)
    assert audio == b"\0\xff" * 2048
    assert sorted(pairs) == [("language", "de"), ("phrases", "a"), ("phrases", "b")]


async def test_a_form_may_be_without_audio() -> None:
    asked = encoded(files={"is_final_chunk": (None, "true")})
    assert await read_chunk_form(asked, MOST) == ([("is_final_chunk", "true")], b"")


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"json": {"audio_chunk": ""}}, "must be multipart/form-data"),
        ({"data": {"language": "de"}}, "must be multipart/form-data"),
        ({"files": {"audio": b"x"}}, "must be called audio_chunk"),
        ({"files": {"audio_chunk": (None, "x")}}, "send it as a file"),
        ({"files": [("audio_chunk", b"x"), ("audio_chunk", b"y")]}, "Too many files"),
        ({"files": {f"f{n}": (None, "x") for n in range(65)}}, "Too many fields"),
        ({"files": {"f": (None, "x" * 70_000)}}, "exceeded maximum size"),
    ],
)
async def test_what_is_no_such_form_is_refused(sent: dict[str, Any], says: str) -> None:
    fault = await refusal(encoded(**sent))
    assert (fault.code, fault.status) == ("bad_message", 400)
    assert says in fault.text
    assert fault.allowed


async def test_a_body_of_no_kind_is_refused() -> None:
    assert (await refusal(request([b"x"]))).allowed == ["multipart/form-data"]
    assert (await refusal(request([b"x"], content_type="multipart/form-data"))).status == 400


async def test_a_body_that_is_compressed_is_refused() -> None:
    told = request([], content_type=BOUNDARY, content_encoding="gzip")
    assert (await refusal(told)).allowed == ["identity"]


async def test_too_much_is_refused_before_it_is_read() -> None:
    told = request([], content_type=BOUNDARY, content_length="1000000")
    assert (await refusal(told)).status == 413
    fault = await refusal(request([HEAD, *[bytes(100_000)] * 2], content_type=BOUNDARY))
    assert (fault.code, fault.allowed) == ("message_too_large", {"maximum": MOST})
    fault = await refusal(encoded(files={"audio_chunk": bytes(MOST + 1)}))
    assert fault.status == 413


async def test_a_body_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunk_form, "READ_DEADLINE_S", 0.01)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    head = [(b"content-type", BOUNDARY.encode())]
    fault = await refusal(Request({"type": "http", "headers": head}, receive))
    assert (fault.code, fault.status) == ("idle", 408)


async def test_a_client_that_is_gone_is_no_fault_of_ours() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    head = [(b"content-type", BOUNDARY.encode())]
    assert (await refusal(Request({"type": "http", "headers": head}, receive))).status == 400


@pytest.mark.parametrize("cut", [1, 3, 5, 10, 40, 80])
async def test_half_a_form_is_none(cut: int) -> None:
    body = WHOLE.rstrip()
    fault = await refusal(request([body[:-cut]], content_type=BOUNDARY))
    assert (fault.code, fault.status) == ("bad_message", 400)
    assert await read_chunk_form(request([body], content_type=BOUNDARY), MOST) == ([], b"xy")


async def test_a_form_may_come_byte_by_byte() -> None:
    made = httpx.Request("POST", "http://here/", files={"audio_chunk": b"\r\n--" * 9})
    parts = [bytes([byte]) for byte in made.read()]
    asked = request(parts, content_type=made.headers["content-type"])
    assert await read_chunk_form(asked, MOST) == ([], b"\r\n--" * 9)


HEAD = b'--b\r\nContent-Disposition: form-data; name="audio_chunk"; filename="a"\r\n\r\n'
WHOLE = HEAD + b"xy\r\n--b--\r\n"
PIECES = [b"--b", b"--", b"\r\n", b"\n", b":", b";", b"=", b'"', b"name", b"filename", b"\0", b"b"]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([*PIECES, WHOLE, WHOLE[:70]]), max_size=20).map(b"".join),
        st.tuples(st.integers(0, len(WHOLE)), st.binary(max_size=8)).map(
            lambda cut: WHOLE[: cut[0]] + cut[1] + WHOLE[cut[0] :]
        ),
    ),
    st.sampled_from(
        [BOUNDARY, "multipart/form-data; boundary=" + "b" * 300, BOUNDARY + "; charset=x"]
    ),
)
@example(WHOLE[:-2], BOUNDARY)
@example(WHOLE + b"after", BOUNDARY)
@example(HEAD, BOUNDARY)
def test_nothing_else_comes_of_any_body(body: bytes, kind: str) -> None:
    async def read() -> None:
        with suppress(Fault):
            await read_chunk_form(request([body], content_type=kind), MOST)

    asyncio.run(read())
