"""PURE: what synthesizers with a WebSocket say, and how their codecs are asked.

A *context* is one text being spoken; a connection carries several at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from media.audio import AudioFormat

from ..codec import Codec, Frame
from ..errors import ProviderError
from ..types import TtsCapabilities, TtsOptions, Voice, WordPosition
from .voice_pages import VoicePages

__all__ = ["AudioEnd", "ContextFailed", "Spoken", "SpokenEvent", "Terminated", "TtsCodec"]
__all__ += ["TtsVendor"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of a context's audio.

    Attributes:
        words: those whose positions became known with it, each once, in their order: characters of
            the context's text, times from the start of its audio.
    """

    context: str
    audio: bytes
    words: Sequence[WordPosition] = ()


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """All of a context's audio was given."""

    context: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """A context is over, at its end or because it was cancelled: it takes no place any more."""

    context: str


@dataclass(frozen=True, slots=True)
class ContextFailed:
    """A context cannot be spoken; the others are not concerned."""

    context: str
    error: ProviderError


SpokenEvent = Spoken | AudioEnd | Terminated | ContextFailed


class TtsCodec(Codec[SpokenEvent], Protocol):
    """A synthesizer's connection."""

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """Speak a text, the whole of a context."""

    def cancel(self, context: str) -> Sequence[Frame]:
        """Speak no more of it."""


class TtsVendor(Protocol):
    """What the engine must know of a vendor.

    Attributes:
        format: of its audio, headerless.
        max_contexts: how many a connection carries at a time.
        max_text_bytes: how long a context's text may be, in UTF-8, at a voice's own speed.
        texts_per_min: how many a connection takes within a minute; None is any number.
        voice_pages: how its voices are asked for, over HTTP; None when they are known.
    """

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> TtsCapabilities: ...
    @property
    def format(self) -> AudioFormat: ...
    @property
    def max_contexts(self) -> int: ...
    @property
    def max_text_bytes(self) -> int: ...
    @property
    def texts_per_min(self) -> int | None: ...
    @property
    def voice_pages(self) -> VoicePages | None: ...

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""

    def route(self, options: TtsOptions) -> Hashable:
        """What a connection is for: texts whose routes are equal may share one."""

    def codec(self, options: TtsOptions) -> TtsCodec:
        """The codec of one connection, for texts of the route of `options`.

        Raises:
            UnsupportedError: there is no connection for these.
        """

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """

    def voices(self) -> Sequence[Voice]:
        """The voices that are known to be on offer."""
