"""PURE: the beginning of an answer that may be a WAV file, until it is known where its data is."""

from __future__ import annotations

from media.files import AudioFileError, WavHeader, read_wav_header

from ..errors import InvalidResponseError

__all__ = ["WavHead"]

ENOUGH_BYTES = 12
"""So many tell what it is."""
MOST_HEADER_BYTES = 64 * 1024


class WavHead:
    """Gathers one answer's beginning.

    Args:
        provider: the catalogue name, for errors.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._head = b""

    def take(self, piece: bytes) -> tuple[WavHeader | None, bytes] | None:
        """What it is, once that is known, and what has come of its data.

        Args:
            piece: what has come; empty at the end.

        Returns:
            The header, None of what is no WAV file, and data; or None: more has to come first.

        Raises:
            InvalidResponseError: it is a WAV file that cannot be read.
        """
        self._head += piece
        if piece and not self._enough():
            return None
        if self._head[:4] != b"RIFF":
            return None, self._head
        try:
            header = read_wav_header(self._head)
        except AudioFileError as error:
            raise InvalidResponseError(self._provider, f"its WAV file: {error.found}") from None
        return header, self._head[header.data_at :]

    def _enough(self) -> bool:
        head = self._head
        if len(head) < ENOUGH_BYTES or head[:4] != b"RIFF":
            return len(head) >= ENOUGH_BYTES
        at = head.find(b"data", ENOUGH_BYTES)
        return 0 <= at <= len(head) - 8 or len(head) > MOST_HEADER_BYTES
