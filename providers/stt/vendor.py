"""PURE: what the engine must know of a recognizer with a WebSocket, and of its codecs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..codec import Codec, Frame, Reply
from ..options import Honours
from ..types import SttCapabilities, SttOptions
from .heard import HeardEvent

__all__ = ["SttCodec", "SttVendor"]


class SttCodec(Codec[HeardEvent], Protocol):
    """A recognizer's connection.

    Attributes:
        ready: whether the vendor takes audio now: not before it has said so, by the event `Ready`,
            or while it finalizes what it has, which ends with `Restarted`.
        silence_s: where `finalize` is not always answered, or what is due by itself may be missing:
            after so long without a word of the vendor, or when the connection is lost before,
            `unanswered` is asked what that means. None, as it is at the moment: an answer is sure
            to come, or none is due.
    """

    ready: bool

    @property
    def silence_s(self) -> float | None: ...

    def audio(self, audio: bytes) -> Frame:
        """Audio, in `SttOptions.audio`."""

    def finalize(self) -> Frame | None:
        """All that was sent is to become final; `Finalized` is the answer.

        None when all of it is final already, or nothing that the vendor would take notice of, and
        the vendor owes no answer: then that is the answer.
        """

    def unanswered(self) -> Sequence[HeardEvent | Reply]:
        """What the vendor's silence for `silence_s` means.

        At least one `Finalized`, or what else was due; or a `Reply`, which the vendor is sure to
        answer; or nothing, while it has not listened to all that was sent before it was asked: it
        is given time, and if it does not get there, it is a failure.
        """

    def closing(self) -> Frame:
        """No more audio comes; `Finished` is the answer."""


class SttVendor(Protocol):
    """What the engine must know of a vendor.

    Attributes:
        honours: which options it honours of those that are asked for, where one may exclude
            another, as a model does; None is what `capabilities` says.
    """

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> SttCapabilities: ...
    @property
    def honours(self) -> Honours | None: ...

    def codec(self, options: SttOptions) -> SttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: the vendor does not offer what is asked.
        """
