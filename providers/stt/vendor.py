"""PURE: what the engine must know of a recognizer with a WebSocket, and of its codecs."""

from __future__ import annotations

from typing import Protocol

from ..codec import Codec, Frame
from ..types import SttCapabilities, SttOptions
from .heard import HeardEvent

__all__ = ["SttCodec", "SttVendor"]


class SttCodec(Codec[HeardEvent], Protocol):
    """A recognizer's connection.

    Attributes:
        ready: whether the vendor takes audio yet; the event `Ready` tells that it does now.
    """

    ready: bool

    def audio(self, audio: bytes) -> Frame:
        """Audio, in `SttOptions.audio`."""

    def finalize(self) -> Frame:
        """All that was sent is to become final; `Finalized` is the answer."""

    def closing(self) -> Frame:
        """No more audio comes; `Finished` is the answer."""


class SttVendor(Protocol):
    """What the engine must know of a vendor."""

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> SttCapabilities: ...

    def codec(self, options: SttOptions) -> SttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: the vendor does not offer what is asked.
        """
