"""PURE: Soniox's real-time speech-to-text, `stt-rt-v5`.

Source: https://soniox.com/docs/stt/api-reference/websocket-api

The key goes in the handshake, the configuration is the first message, audio goes in binary frames,
an empty one ends the stream. Final tokens are said once; the others are the whole rest, each time
anew. Two tokens are no words: `<end>`, when the speaker has ended, and `<fin>`, the answer to
`finalize`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, Encoding

from ..codec import Close, Failed, Frame, Request
from ..errors import InvalidResponseError, ProviderError, UnsupportedError
from ..messages import read
from ..offered import check_understood
from ..soniox import LANGUAGES, PROVIDER, SonioxAccount, failure, language_code, refusal
from ..types import AUTO, SttCapabilities, SttOptions
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Token

__all__ = ["SonioxRecognizer", "SonioxSttCodec"]

MAX_ENDPOINT_DELAY_MS = 700
"""How long the vendor may wait before it says `<end>`; telephone turns are short."""
SHORTEST_DELAY_MS, LONGEST_DELAY_MS = 500, 3_000
MAX_CONTEXT_CHARACTERS = 10_000
_END, _FIN = "<end>", "<fin>"
_FORMATS = {Encoding.ULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "pcm_s16le"}
_KEEPALIVE = '{"type":"keepalive"}'
_FINALIZE = '{"type":"finalize"}'


class SonioxRecognizer:
    """The `SttVendor` for Soniox.

    Args:
        account: key, region, addresses, models; see `SonioxAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    honours = None
    capabilities = SttCapabilities(
        languages=(*LANGUAGES, AUTO),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        word_times=True,
        boundary="word",
        options=frozenset(
            [
                *("interim_results", "languages", "model", "key_terms", "phrases"),
                *("diarization", "endpointing", "endpointing_ms"),
            ]
        ),
    )

    def __init__(self, **account: Any) -> None:
        self._account = SonioxAccount(**account)

    def codec(self, options: SttOptions) -> SonioxSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: a language, or the delay of endpoints, is not on offer.
        """
        check_understood(PROVIDER, self.capabilities, (options.language, *options.languages))
        delay_ms = options.endpointing_ms
        if delay_ms is not None and not SHORTEST_DELAY_MS <= delay_ms <= LONGEST_DELAY_MS:
            raise UnsupportedError(
                PROVIDER,
                f"an endpoint after {delay_ms} ms",
                hint=f"it may be {SHORTEST_DELAY_MS} to {LONGEST_DELAY_MS} ms",
            )
        return SonioxSttCodec(self._account, options)


class SonioxSttCodec:
    """One connection with the recognizer."""

    # It closes after 20 s without a frame; telephone audio never stops for so long.
    keepalive_s: float | None = 10.0
    lasts_s: float | None = None  # five hours, and an error that another connection heals
    ready = True
    silence_s: float | None = None  # it answers every `finalize`

    def __init__(self, account: SonioxAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        account = self._account
        url = account.stt_url or account.address("stt-rt", "transcribe-websocket")
        return Request(url, account.headers)

    def opening(self) -> Sequence[Frame]:
        """The configuration."""
        options = self._options
        config: dict[str, Any] = {
            "model": options.model or self._account.stt_model,
            "audio_format": _FORMATS[options.audio.encoding],
            "sample_rate": options.audio.sample_rate_hz,
            "num_channels": options.audio.channels,
        }
        languages = [tag for tag in (options.language, *options.languages) if tag != AUTO]
        if languages:
            config["language_hints"] = list(dict.fromkeys(map(language_code, languages)))
        if languages != [options.language]:
            config["enable_language_identification"] = True
        if options.endpointing:
            config["enable_endpoint_detection"] = True
            config["max_endpoint_delay_ms"] = options.endpointing_ms or MAX_ENDPOINT_DELAY_MS
        if options.diarization:
            config["enable_speaker_diarization"] = True
        if terms := _terms((*options.key_terms, *options.phrases)):
            config["context"] = {"terms": terms}
        return [orjson.dumps(config).decode()]

    def audio(self, audio: bytes) -> Frame:
        """Audio is sent as it is."""
        return audio

    def finalize(self) -> Frame:
        """Ask for the tokens that are not final."""
        return _FINALIZE

    def unanswered(self) -> Sequence[HeardEvent]:
        """Nothing: it answers."""
        return ()

    def closing(self) -> Frame:
        """An empty message ends the stream."""
        return ""

    def keepalive(self) -> Frame:
        """What keeps a stream without audio open."""
        return _KEEPALIVE

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """Nothing: what goes wrong is said in a message before."""
        return ()

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(status, headers)

    def decode(self, frame: Frame) -> Sequence[HeardEvent | Failed]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        if "error_code" in message:
            return [Failed(failure(message))]
        try:
            events = list(_events(message))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(PROVIDER, "tokens are not what they should be") from None
        if message.get("finished"):
            events.append(Finished())
        return events


def _events(message: Mapping[str, Any]) -> Iterator[HeardEvent]:
    """Tokens in their order, cut where an utterance ends."""
    tokens = message.get("tokens")
    if tokens is None:
        return  # a message of a kind that is not known
    final: list[Token] = []
    interim: list[Token] = []
    at_ms = 0
    for item in tokens:
        text = item["text"]
        if text in (_END, _FIN):
            yield Heard(final=final)
            yield Endpoint() if text == _END else Finalized()
            final = []
            continue
        token = _token(item, text, at_ms)
        at_ms = token.end_ms
        (final if item["is_final"] else interim).append(token)
    processed_ms = message.get("total_audio_proc_ms")
    yield Heard(final, interim, int(processed_ms) if processed_ms is not None else None)


def _token(item: Mapping[str, Any], text: Any, at_ms: int) -> Token:
    if not isinstance(text, str):
        raise TypeError
    start_ms = int(item.get("start_ms", at_ms))
    confidence, speaker, language = map(item.get, ("confidence", "speaker", "language"))
    return Token(
        text,
        start_ms,
        int(item.get("end_ms", start_ms)),
        None if confidence is None else float(confidence),
        None if speaker is None else str(speaker),
        None if language is None else str(language),
    )


def _terms(phrases: Sequence[str]) -> list[str]:
    """The phrases that fit into the context."""
    terms: list[str] = []
    room = MAX_CONTEXT_CHARACTERS
    for phrase in phrases:
        room -= len(phrase)
        if room < 0:
            break
        terms.append(phrase)
    return terms
