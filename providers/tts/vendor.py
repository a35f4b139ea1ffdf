"""PURE: what must be known of every vendor of speech, however it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from media.audio import AudioFormat

from ..http_request import Refused
from ..types import TtsCapabilities, TtsOptions, Voice
from .voice_pages import VoicePages

__all__ = ["ListingVendor", "SpeechVendor"]


class SpeechVendor(Protocol):
    """What must be known of a vendor.

    Attributes:
        format: of its audio, headerless.
        max_text_bytes: how long a text may be, in UTF-8, at a voice's own speed.
    """

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> TtsCapabilities: ...
    @property
    def format(self) -> AudioFormat: ...
    @property
    def max_text_bytes(self) -> int: ...

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """


class ListingVendor(SpeechVendor, Protocol):
    """One that lists its voices over HTTP, if they are not known.

    Attributes:
        refused: what an HTTP status of 300 or more means.
        voice_pages: how its voices are asked for; None when they are known.
    """

    @property
    def refused(self) -> Refused: ...
    @property
    def voice_pages(self) -> VoicePages | None: ...

    def voices(self) -> Sequence[Voice]:
        """The voices that are known to be on offer."""
