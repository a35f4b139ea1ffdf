"""PURE: the samples of an answer that should be headerless µ-law and may be a WAV file of it."""

from __future__ import annotations

from media.audio import ULAW_8K

from ..errors import UnsupportedFormatError
from .wav_head import WavHead

__all__ = ["UlawAnswer"]


class UlawAnswer:
    """Reads one answer: called with its pieces, and at the end with an empty one.

    A header in the middle of a caller's audio is a crack, and its size is not always 44 bytes: so
    it is read, and what stands behind the data is left out as well.

    Args:
        provider: the catalogue name, for errors.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._head: WavHead | None = WavHead(provider)
        self._left: int | None = None  # how much data comes; None is all that comes

    def __call__(self, piece: bytes) -> bytes:
        """The samples that are ready.

        Raises:
            UnsupportedFormatError: they are others than µ-law of 8 kHz.
            InvalidResponseError: it is a WAV file that cannot be read.
        """
        if self._head is not None:
            begun = self._head.take(piece)
            if begun is None:
                return b""
            self._head = None
            header, piece = begun
            if header is not None:
                if header.format != ULAW_8K:
                    raise UnsupportedFormatError(
                        self._provider, f"a text was answered with {header.format}"
                    )
                self._left = header.data_bytes
        if self._left is not None:
            piece = piece[: self._left]
            self._left -= len(piece)
        return piece
