"""PURE: what synthesizers with a WebSocket say, and how their codecs are asked.

A *context* is one text being spoken; a connection carries several at a time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..codec import Codec, Frame
from ..errors import ProviderError
from ..types import TtsOptions, WordPosition
from .vendor import ListingVendor

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


class TtsVendor(ListingVendor, Protocol):
    """What the engine must know of a vendor.

    Attributes:
        max_contexts: how many a connection carries at a time.
        texts_per_min: how many a connection takes within a minute; None is any number.
        refuses_within_s: so long after the handshake it may still refuse a key or a voice; 0 where
            it does so in the handshake.
    """

    @property
    def max_contexts(self) -> int: ...
    @property
    def texts_per_min(self) -> int | None: ...
    @property
    def refuses_within_s(self) -> float: ...

    def route(self, options: TtsOptions) -> Hashable:
        """What a connection is for: texts whose routes are equal may share one."""

    def codec(self, options: TtsOptions) -> TtsCodec:
        """The codec of one connection, for texts of the route of `options`.

        Raises:
            UnsupportedError: there is no connection for these.
        """
