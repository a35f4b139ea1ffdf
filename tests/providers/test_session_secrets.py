"""The engine of WebSockets shows no key, no password and no word, whatever fails."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from providers.errors import AuthenticationError, NetworkError, UnsupportedError
from providers.session import Deadlines
from tests.virtual_time import virtual_time_on_sockets

from .conversation import Conversation, talking
from .wire import KEY, LineCodec, answering, deaf, text_frame, upgrade


@pytest.mark.parametrize("key", ["the-key\n", "the-kéy", "the-key\0", "the-key\r\nX-More: 1"])
@virtual_time_on_sockets
async def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    came = []

    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.read(1))

    async with answering(vendor) as url:
        talk = Conversation(LineCodec(url, key=key), Deadlines())
        error = await talk.failure()
    assert (type(error), error.__cause__, error.__context__) == (AuthenticationError, None, None)
    assert came == []
    assert not [text for text in (repr(error), str(error)) if "the-k" in text]


@virtual_time_on_sockets
async def test_no_password_of_an_address_is_shown() -> None:
    async with answering(deaf) as url:
        pass
    address = url.removeprefix("ws://")
    async with talking(f"ws://somebody:a-password@{address}") as talk:
        error = await talk.failure()
    shown = [*traceback.format_exception(error), repr(error)]
    assert isinstance(error, NetworkError)
    assert f"no connection to {address.strip('/')}" in error.reason
    assert not [text for text in shown if "a-password" in text]


@pytest.mark.parametrize("scheme", ["ftp", "socks5"])
async def test_a_proxy_of_another_kind_is_told_without_its_password(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"{scheme}://somebody:a-password@127.0.0.1:9")
        monkeypatch.setenv(name.lower(), f"{scheme}://somebody:a-password@127.0.0.1:9")
    async with talking("wss://vendor.invalid/") as talk:
        error = await talk.failure()
    assert isinstance(error, UnsupportedError)
    assert "a-password" not in "".join(traceback.format_exception(error))


async def test_no_key_and_no_word_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await upgrade(reader) + text_frame("what was said") + text_frame("no"))

    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    async with answering(vendor) as url, talking(url) as talk:
        error = await talk.failure()
        shown = [caplog.text, *traceback.format_exception(error), repr(error), str(error)]
        shown += [repr(talk.session.codec.request())]
    assert talk.owner.heard_all == ["what was said"]
    assert not [text for text in shown if KEY in text or "what was said" in text]
