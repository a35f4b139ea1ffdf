"""PURE: Azure's text-to-speech over its WebSocket protocol (see `azure_usp`).

A connection has one text after another, each a turn with an id of its own. Nothing ends a turn
early: what still comes of a text that is not wanted any more is no one's, until its end is told.

A text is given as SSML, whole (`/websocket/v1`), or, if the settings say so, as it is, sentence by
sentence (`/websocket/v2`, "text streaming"), so that it is spoken before all of it has come.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..azure import AzureAccount, closing, refusal, socket_url
from ..azure_marks import Marks
from ..azure_usp import UspMessage, json_message, read_usp, speech_config, text_message
from ..codec import Close, Failed, Frame, Request
from ..errors import InvalidResponseError, ProviderError
from ..offered import unsaid
from ..types import TtsOptions, WordPosition
from .azure_speech import OUTPUT_FORMAT, AzureSpeech
from .azure_ssml import Style, document, speakable
from .azure_words import Boundaries
from .parts import sentences
from .spoken import AudioEnd, ContextFailed, Spoken, SpokenEvent, Terminated

__all__ = ["AzureSynthesizer", "AzureTtsCodec"]

_METADATA = {
    "wordBoundaryEnabled": True,
    "punctuationBoundaryEnabled": False,
    "sentenceBoundaryEnabled": False,
    "visemeEnabled": False,
    "bookmarkEnabled": False,
    "sessionEndEnabled": True,
}
LEAST_PIECE_BYTES = 20
"""Of a text that is given as it is, so that no abbreviation is a piece of it."""


class AzureSynthesizer(AzureSpeech):
    """The `TtsVendor` for Azure.

    Args:
        marks: ids and times; None is the clock's.
        account: key, region, voice, style; see `AzureAccount`.

    Raises:
        MissingKeyError: there is no key, or no region.
    """

    # Whether a turn may begin before the one before it has ended is not told.
    max_contexts = 1
    texts_per_min: int | None = None
    refuses_within_s = 0.0

    def __init__(self, *, marks: Marks | None = None, **account: Any) -> None:
        super().__init__(**account)
        self.capabilities = replace(self.capabilities, word_positions=True)
        self._marks = marks or Marks()

    def route(self, options: TtsOptions) -> Hashable:
        """Whether texts are given as they are: those connections take no SSML, which alone can
        say how strong a style is."""
        return self.account.tts_input == "text" and not options.ssml and options.style is None

    def codec(self, options: TtsOptions) -> AzureTtsCodec:
        """The codec of one connection."""
        return AzureTtsCodec(self, self._marks, as_text=bool(self.route(options)))


class AzureTtsCodec:
    """One connection with the synthesizer.

    Args:
        vendor: whose it is.
        marks: ids and times.
        as_text: whether texts are given as they are, not as SSML.
    """

    keepalive_s: float | None = None
    # It is closed after ten minutes: so say Microsoft's SDKs, which leave it after nine.
    lasts_s: float | None = 9 * 60.0

    def __init__(self, vendor: AzureSynthesizer, marks: Marks, *, as_text: bool) -> None:
        self._vendor = vendor
        self._marks = marks
        self._as_text = as_text
        self._turns: dict[str, _Turn] = {}

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        account: AzureAccount = self._vendor.account
        version = "v2" if self._as_text else "v1"
        url = socket_url(account.tts_url(f"/cognitiveservices/websocket/{version}"))
        return Request(url, {**account.headers, "X-ConnectionId": self._marks.new_id()})

    def opening(self) -> Sequence[Frame]:
        """Who speaks to it."""
        return [speech_config(self._marks.now())]

    def keepalive(self) -> Frame:
        """Never said: a connection is kept without a word."""
        return speech_config(self._marks.now())

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(self._vendor.name, status, headers, body)

    def closed(self, close: Close) -> Sequence[Failed]:
        """What is wrong with a text is told by the close frame alone."""
        error = closing(self._vendor.name, close)
        return () if error is None else [Failed(error)]

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """A turn: what is wanted of it, and its text."""
        style, turn_id, now = self._vendor.style(options), self._marks.new_id(), self._marks.now()
        self._turns[turn_id] = _Turn(context, Boundaries(text, markup=options.ssml))
        wanted: dict[str, Any] = {
            "audio": {"outputFormat": OUTPUT_FORMAT, "metadataOptions": _METADATA},
            "language": {"autoDetection": False},
        }
        if not self._as_text:
            ssml = document(style, text, markup=options.ssml)
            return [
                json_message("synthesis.context", {"synthesis": wanted}, now, turn_id),
                text_message("ssml", "application/ssml+xml", ssml, now, turn_id),
            ]
        wanted["input"] = _input(style)
        return [
            json_message("synthesis.context", {"synthesis": wanted}, now, turn_id),
            *(
                text_message("text.piece", "text/plain", piece, now, turn_id)
                for piece in sentences(speakable(text), LEAST_PIECE_BYTES)
            ),
            text_message("text.end", "text/plain", "", now, turn_id),
        ]

    def cancel(self, context: str) -> Sequence[Frame]:
        """Nothing: there is no word for it."""
        return ()

    def decode(self, frame: Frame) -> Sequence[SpokenEvent | Failed]:
        """What the synthesizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read_usp(self._vendor.name, frame)
        turn = self._turns.get(message.request_id)
        if turn is None:
            return ()
        match message.path:
            case "audio" if isinstance(message.body, bytes):
                return [turn.take(message.body)] if message.body else ()
            case "audio.metadata":
                self._note(turn, message)
            case "turn.end":
                del self._turns[message.request_id]
                return turn.end(self._vendor.name)
        return ()

    def _note(self, turn: _Turn, message: UspMessage) -> None:
        try:
            turn.note(message.json(self._vendor.name)["Metadata"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(
                self._vendor.name, "what is told of audio is not what it should be"
            ) from None


class _Turn:
    """A text that is being spoken.

    Args:
        context: what we call it.
        boundaries: where its words are.
    """

    def __init__(self, context: str, boundaries: Boundaries) -> None:
        self._context = context
        self._boundaries = boundaries
        self._words: list[WordPosition] = []  # whose audio has not come yet
        self._heard = False

    def take(self, audio: bytes) -> Spoken:
        """A piece of its audio, with the words that were told before it."""
        self._heard = True
        words, self._words = tuple(self._words), []
        return Spoken(self._context, audio, words)

    def note(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """What was told of its audio.

        Raises:
            KeyError, TypeError, ValueError: it is not what it should be.
        """
        for entry in entries:
            if entry["Type"] == "WordBoundary":
                word = self._boundaries.take(entry["Data"])
                self._words += [word] if word is not None else []

    def end(self, provider: str) -> Sequence[SpokenEvent]:
        """It is over; one without audio has nothing in it that the voice could say."""
        if not self._heard:
            return [ContextFailed(self._context, unsaid(provider))]
        last = [Spoken(self._context, b"", tuple(self._words))] if self._words else []
        return [*last, AudioEnd(self._context), Terminated(self._context)]


def _input(style: Style) -> dict[str, Any]:
    """How a text that is given as it is is spoken."""
    told = {
        "bidirectionalStreamingMode": True,
        "voiceName": style.voice,
        # A voice knows its own.
        "language": style.locale if style.foreign else "",
        **style.prosody,
    }
    return {**told, "style": style.express_as["style"]} if style.express_as else told
