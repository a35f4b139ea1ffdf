"""Recognition with a vendor that does not answer every request to finalize."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from media.audio import ULAW_8K
from providers.codec import Failed, Frame
from providers.errors import DeadlineError
from providers.soniox import SonioxAccount
from providers.stt.heard import Finalized, HeardEvent
from providers.stt.recognition import Recognition
from providers.stt.soniox import SonioxSttCodec
from providers.stt.streaming import StreamingStt
from providers.stt.vendor import SttCodec
from providers.types import SttCapabilities, SttOptions, Transcript
from tests.virtual_time import virtual_time_on_sockets

SILENCE_S = 1.0
AUDIO = ULAW_8K.silence(100)
INTERIM = '{"tokens":[{"text":" yes","start_ms":0,"end_ms":90,"is_final":false}]}'
FINAL = (
    '{"tokens":[{"text":" yes","start_ms":0,"end_ms":90,"is_final":true},'
    '{"text":"<fin>","is_final":true}]}'
)


class QuietCodec(SonioxSttCodec):
    """Knows when the vendor will not answer: not unless it has understood something."""

    silence_s: float | None = None
    has_nothing = False
    is_behind = False

    def finalize(self) -> str | None:  # type: ignore[override]
        self.silence_s = SILENCE_S
        return None if self.has_nothing else "finalize"

    def unanswered(self) -> Sequence[HeardEvent]:
        if self.is_behind:
            return ()
        self.silence_s = None
        return [Finalized()]

    def decode(self, frame: Frame) -> Sequence[HeardEvent | Failed]:
        self.silence_s = None
        return super().decode(frame)


class QuietVendor:
    name = "quiet"
    honours = None
    capabilities = SttCapabilities(audio=(ULAW_8K,))

    def __init__(self, url: str, *, has_nothing: bool, is_behind: bool) -> None:
        self._account = SonioxAccount(api_key="k", stt_url=url)
        self._has_nothing = has_nothing
        self._is_behind = is_behind

    def codec(self, options: SttOptions) -> SttCodec:
        codec = QuietCodec(self._account, options)
        codec.has_nothing = self._has_nothing
        codec.is_behind = self._is_behind
        return codec


@asynccontextmanager
async def quiet(
    *said: tuple[float, str], has_nothing: bool = False, is_behind: bool = False
) -> AsyncIterator[tuple[Recognition, list[Frame]]]:
    """A stream, and what its vendor heard, who after a request to finalize says what it is given,
    each after so many seconds."""
    heard: list[Frame] = []

    async def vendor(connection: ServerConnection) -> None:
        async for frame in connection:
            heard.append(frame)
            if frame == "finalize":
                for delay_s, text in said:
                    await asyncio.sleep(delay_s)
                    await connection.send(text)

    async with serve(vendor, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        provider = StreamingStt(QuietVendor(url, has_nothing=has_nothing, is_behind=is_behind))
        async with provider.stream(SttOptions(audio=ULAW_8K)) as stream:
            yield stream, heard


async def final(stream: Recognition) -> tuple[str, float]:
    """The text of the next final transcript, and how many seconds it took to come."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async for event in stream:
        if isinstance(event, Transcript) and event.final:
            return event.text, loop.time() - begun_s
    raise AssertionError("no final transcript")


@virtual_time_on_sockets
async def test_silence_is_an_answer_where_the_codec_says_so() -> None:
    async with quiet() as (stream, _):
        stream.send(AUDIO)
        stream.finalize()
        text, waited_s = await final(stream)
        assert (text, stream.reconnections) == ("", 0)
        assert waited_s == pytest.approx(SILENCE_S, abs=0.1)


@virtual_time_on_sockets
async def test_a_vendor_that_has_begun_to_answer_is_waited_for() -> None:
    async with quiet((0.5, INTERIM), (1.5, FINAL)) as (stream, _):
        stream.send(AUDIO)
        stream.finalize()
        text, waited_s = await final(stream)
        assert (text, stream.reconnections) == ("yes", 0)
        assert waited_s == pytest.approx(2.0, abs=0.1)


@virtual_time_on_sockets
async def test_silence_is_no_answer_while_the_vendor_has_not_listened_to_all() -> None:
    async with quiet(is_behind=True) as (stream, heard):
        begun_s = asyncio.get_running_loop().time()
        stream.send(AUDIO)
        stream.finalize()
        with pytest.raises(DeadlineError):
            await final(stream)
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(6, abs=0.1)
        assert heard.count(AUDIO) == 2


@virtual_time_on_sockets
async def test_what_need_not_be_asked_is_answered_at_once() -> None:
    async with quiet(has_nothing=True) as (stream, heard):
        stream.send(AUDIO)
        stream.finalize()
        text, waited_s = await final(stream)
        assert text == ""
        assert waited_s < 0.1
        stream.send(AUDIO)
        await asyncio.sleep(0.1)
    # The configuration, and the audio before and after.
    assert heard[1:] == [AUDIO, AUDIO]
