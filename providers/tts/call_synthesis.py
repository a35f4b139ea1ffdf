"""Google's synthesizers, asked by its official client: a call of gRPC for each text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Protocol, TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.texttospeech_v1 import TextToSpeechAsyncClient
from google.cloud.texttospeech_v1.services.text_to_speech.transports import (
    TextToSpeechGrpcAsyncIOTransport,
)
from google.cloud.texttospeech_v1.types import ListVoicesResponse, StreamingSynthesizeRequest
from grpc import aio

from ..errors import (
    DeadlineError,
    InvalidResponseError,
    NetworkError,
    ProviderError,
    UnavailableError,
)
from ..google import GoogleAccount
from ..google_calls import failed, metadata_of, open_channel
from ..session import Deadlines
from ..types import TtsOptions, Voice
from .google_speech import Call
from .synthesis import DEADLINES
from .text_synthesis import TextTts
from .vendor import SpeechVendor
from .voice_list import speaks

__all__ = ["CallTts", "CallTtsVendor"]

SERVICE = "texttospeech"
LIST_S = 10.0
PIECE_BYTES = 1_600
"""In so large pieces, 200 ms, audio that has come as a whole is given: its listener may leave."""
WARM_LANGUAGE = "en-US"
"""Asked for the voices of one language, Google says little, and whether the key is right."""

AnswerT = TypeVar("AnswerT")


class CallTtsVendor(SpeechVendor, Protocol):
    """What must be known of one of Google's synthesizers."""

    @property
    def account(self) -> GoogleAccount: ...

    def answer_s(self, text: str, usual_s: float) -> float:
        """How long Google may take before its answer to a text, and between its parts."""

    def call(self, text: str, options: TtsOptions) -> Call:
        """What has a text spoken."""

    def reader(self) -> Callable[[bytes], bytes]:
        """What makes the audio of one answer of its pieces, an empty one of which is the last."""

    def voices_of(self, listed: Sequence[Mapping[str, Any]]) -> list[Voice]:
        """Those of Google's list of voices that can be had here."""


class CallTts(TextTts):
    """The `TtsProvider` of one of Google's synthesizers.

    Args:
        vendor: which one.
        deadlines: how long it may take.
    """

    # Users saw it refuse sentences of about 300 letters.
    max_sentence = 250

    def __init__(self, vendor: CallTtsVendor, deadlines: Deadlines = DEADLINES) -> None:
        super().__init__(vendor, _Calls(vendor), deadlines)


class _Line:
    """A channel of gRPC, which is closed when nobody uses it any more."""

    def __init__(self, channel: aio.Channel) -> None:
        self.client = TextToSpeechAsyncClient(
            transport=TextToSpeechGrpcAsyncIOTransport(channel=channel)
        )
        self.users = 0
        self.retired = False
        self._channel = channel

    async def close_unused(self) -> None:
        if self.retired and not self.users:
            await self._channel.close()
            # Who keeps an error keeps this line, and shall not keep what gRPC has for it.
            del self.client, self._channel


class _Calls:
    """How Google is asked; see `Asked`.

    One channel carries all calls. After trouble there is another one: on a connection that is dead
    all would wait in vain, and a channel that could not connect waits before it tries again.
    """

    def __init__(self, vendor: CallTtsVendor) -> None:
        self._vendor = vendor
        self._line: _Line | None = None
        self._waits = set[asyncio.Timeout]()  # what waits for Google now

    async def warm_up(self, deadline_s: float) -> None:
        await self._list(WARM_LANGUAGE, deadline_s)

    async def answer(
        self, text: str, options: TtsOptions, answer_s: float
    ) -> AsyncGenerator[bytes, None]:
        call, read = self._vendor.call(text, options), self._vendor.reader()
        answer_s = self._vendor.answer_s(text, answer_s)
        async with self._asking() as line:
            if call.method == "synthesize_speech":
                audio = read(await self._whole(line, call, answer_s))
                for at in range(0, len(audio), PIECE_BYTES):
                    yield audio[at : at + PIECE_BYTES]
            else:
                async with aclosing(self._streamed(line, call, answer_s)) as pieces:
                    async for piece in pieces:
                        yield read(piece)
            yield read(b"")

    async def voices(self, language: str | None) -> list[Voice]:
        answer = await self._list("", LIST_S)
        listed = ListVoicesResponse.to_dict(answer)["voices"]
        voices = self._vendor.voices_of(listed)
        return [voice for voice in voices if language is None or speaks(voice, language)]

    async def aclose(self) -> None:
        waits, self._waits = self._waits, set()
        for wait in waits:
            if not wait.expired():
                wait.reschedule(asyncio.get_running_loop().time())
        await self._retire()

    async def _list(self, language: str, deadline_s: float) -> ListVoicesResponse:
        async with self._asking() as line:
            asked = self._begun(line.client.list_voices, request={"language_code": language})
            return await self._within(deadline_s, asked)

    async def _whole(self, line: _Line, call: Call, answer_s: float) -> bytes:
        """All audio of a text."""
        (request,) = call.messages
        asked = self._begun(line.client.synthesize_speech, request=dict(request))
        return bytes((await self._within(answer_s, asked)).audio_content)

    async def _streamed(
        self, line: _Line, call: Call, answer_s: float
    ) -> AsyncGenerator[bytes, None]:
        """The audio of a text as it comes. Leaving it ends the call."""
        begun = self._begun(line.client.streaming_synthesize, requests=_said(call))
        # What it is, a call of gRPC, can do more than the client says.
        stream: Any = await self._within(answer_s, begun)
        try:
            while (answer := await self._within(answer_s, stream.read())) is not aio.EOF:
                yield bytes(answer.audio_content)
        finally:
            stream.cancel()
            # An error that is kept keeps what is named here, and this the connection.
            del stream

    async def _begun(self, method: Callable[..., Awaitable[AnswerT]], **asked: Any) -> AnswerT:
        """A call of the client; its deadlines, and what is tried again, are ours."""
        metadata = await metadata_of(self._vendor.name, self._vendor.account)
        return await method(metadata=metadata, timeout=None, retry=None, **asked)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[_Line]:
        """A line, as long as it is used; in trouble the next one has another connection."""
        if self._line is None:
            account = self._vendor.account
            self._line = _Line(open_channel(account, SERVICE, account.voices_location))
        line = self._line
        line.users += 1
        try:
            yield line
        except (NetworkError, DeadlineError):
            if self._line is line:
                await self._retire()
            raise
        finally:
            line.users -= 1
            await line.close_unused()

    async def _retire(self) -> None:
        """Use another channel from now on."""
        line, self._line = self._line, None
        if line is not None:
            line.retired = True
            await line.close_unused()

    async def _within(self, deadline_s: float, waiting: Awaitable[AnswerT | None]) -> AnswerT:
        """What Google answers. It ends at the deadline, or when the connections are given back.

        Raises:
            ProviderError: that was so, or Google refuses, or cannot be reached.
        """
        name, wait, waits = self._vendor.name, asyncio.timeout(deadline_s), self._waits
        error: ProviderError
        waits.add(wait)
        try:
            async with wait:
                if (answer := await waiting) is not None:
                    return answer
            # gRPC makes nothing of what is no answer of the protocol.
            error = InvalidResponseError(name, "an answer that cannot be read", retryable=True)
        except TimeoutError:
            error = DeadlineError(name, f"Google did not answer in {deadline_s:.1f} s")
            if waits is not self._waits:
                error = UnavailableError(name, "the provider was closed", retryable=False)
        except GoogleAPICallError as refusal:
            error = failed(name, refusal)
        finally:
            waits.discard(wait)
        try:
            # Not while Google's is handled: that would hang on ours, and the call on it.
            raise error
        finally:
            del error


async def _said(call: Call) -> AsyncIterator[StreamingSynthesizeRequest]:
    for message in call.messages:
        yield StreamingSynthesizeRequest(message)
