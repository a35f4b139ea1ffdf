"""Google Cloud's speech-to-text for whole recordings, `Recognize`, by its official client.

Source: https://docs.cloud.google.com/speech-to-text/docs/sync-recognize

It takes a minute at once; what is longer, Google wants to find in its own storage.
"""

from __future__ import annotations

import asyncio
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat

from ..errors import DeadlineError, InvalidResponseError, ProviderError
from ..google import PROVIDER, GoogleAccount
from ..google_calls import failed, metadata_of, open_channel
from ..honoured import Honoured
from ..options import SttOptions
from ..results import AudioData, Container, TranscriptionResult, Word
from ..types import SttCapabilities
from .google_clients import SERVICE, client_of
from .google_messages import Api
from .google_options import able, api_of, asked_for, honoured_by
from .google_words import tokens_of
from .recording import check_recording
from .wav import duration_ms

__all__ = ["GoogleFiles"]

MAX_MS = 60_000.0
MAX_BYTES = 10 * 1024 * 1024 - 64 * 1024
"""A request may have 10 MB, with what is asked for."""
MODELS = {1: "latest_long", 2: "long"}
DEADLINE_S = 35.0
"""Half a minute of computing for a minute of audio, and its way."""


class GoogleFiles:
    """The `FileRecognizer` of Google Cloud.

    Args:
        account: key, project, location, model; see `GoogleAccount`.

    Raises:
        MissingKeyError: there is neither a key nor the file of an account.
    """

    name = PROVIDER
    max_bytes = MAX_BYTES
    max_ms: float | None = MAX_MS

    def __init__(self, **account: Any) -> None:
        self._account = GoogleAccount(**account)
        # Version 1 sees only of these by itself what they are.
        self.containers: tuple[Container, ...] = ("wav", "flac")
        if self._account.project:
            self.containers += ("mp3", "m4a", "ogg", "webm")
        self.capabilities = SttCapabilities(
            languages=able(self._account.files_model or ""),
            audio=(PCM16_16K, PCM16_8K, ULAW_8K),
            word_times=True,
            options=frozenset(
                {"languages", "model", "punctuation", "profanity_filter", "key_terms", "phrases"}
            ),
        )
        self._honoured = Honoured(self.name, self.capabilities, self._honours)
        self._asking = set[asyncio.Task[Any]]()

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """Understand a whole recording.

        Raises:
            ProviderError: Google refuses, cannot be reached, or does not take such audio.
        """
        check_recording(self, audio)
        self._honoured.note(options)
        model = options.model or self._account.files_model
        api = api_of(self._account, model or "")
        request = self._request(api, model or MODELS[api.number], audio, options)
        # In a task of its own: an error that is kept shall not keep what gRPC has for the call.
        asking = asyncio.create_task(self._ask(api, request))
        self._asking.add(asking)
        try:
            await asyncio.wait([asking], timeout=DEADLINE_S)
        finally:
            self._asking.discard(asking)
            asking.cancel()
            await asyncio.wait([asking])
        answer = asking.result()
        if isinstance(answer, ProviderError):
            raise answer
        return _result(api, answer, audio)

    async def aclose(self) -> None:
        """End what is going on."""
        for asking in self._asking:
            asking.cancel()

    async def _ask(self, api: Api, request: dict[str, Any]) -> Any:
        """The answer, or what is wrong."""
        channel = open_channel(self._account, SERVICE, self._account.location)
        try:
            metadata = await metadata_of(PROVIDER, self._account)
            answer = await client_of(api, channel).recognize(
                request=request, retry=None, timeout=DEADLINE_S, metadata=metadata
            )
        except asyncio.CancelledError:
            return DeadlineError(PROVIDER, "no answer in time")
        except GoogleAPICallError as error:
            return failed(PROVIDER, error)
        finally:
            await channel.close()
        if answer is None:
            return InvalidResponseError(PROVIDER, "an answer that cannot be read")
        return type(answer).pb(answer)

    def _request(
        self, api: Api, model: str, audio: AudioData, options: SttOptions
    ) -> dict[str, Any]:
        raw: AudioFormat | None = audio.format if audio.container == "raw" else None
        asked = asked_for(self._account, api, self.capabilities, options, model, raw)
        config = api.config(asked)
        if api.number == 1:
            return {"config": config, "audio": {"content": audio.data}}
        return {"recognizer": asked.recognizer, "config": config, "content": audio.data}

    def _honours(self, options: SttOptions) -> frozenset[str]:
        return honoured_by(self._account, options, self.capabilities.options)


def _result(api: Api, answer: Any, audio: AudioData) -> TranscriptionResult:
    texts, words, at_ms = list[str](), list[Word](), 0.0
    results = list(api.results(answer.results))
    for result in results:
        texts.append(result.text.strip())
        words += [
            Word(token.text.strip(), token.start_ms, token.end_ms, token.confidence)
            for token in tokens_of(result, at_ms, round)
        ]
        at_ms = result.end_ms
    known = [result.confidence for result in results if result.confidence is not None]
    return TranscriptionResult(
        text=" ".join(filter(None, texts)),
        provider=PROVIDER,
        duration_ms=duration_ms(audio) or at_ms,
        language=next((result.language for result in results if result.language), None),
        confidence=sum(known) / len(known) if known else None,
        words=tuple(words),
    )
