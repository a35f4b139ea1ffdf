"""What every recognizer of whole recordings looks at before it takes one."""

from __future__ import annotations

from ..errors import AudioTooLargeError, InvalidAudioError, UnsupportedFormatError
from ..results import AudioData
from ..types import FileRecognizer

__all__ = ["check_recording"]


def check_recording(recognizer: FileRecognizer, audio: AudioData) -> None:
    """See that a recognizer takes a recording as it is.

    Raises:
        UnsupportedFormatError: it does not take such audio.
        InvalidAudioError: it ends in the middle of a sample.
        AudioTooLargeError: it does not take so much.
    """
    if audio.container != "raw":
        taken = audio.container in recognizer.containers
    else:
        taken = audio.format in recognizer.capabilities.audio
    if not taken:
        raise UnsupportedFormatError(
            recognizer.name,
            f"audio in {audio.container} is not taken",
            hint=f"convert it to {_preferred(recognizer)}",
        )
    if audio.format is not None and audio.container == "raw":
        rest = len(audio.data) % audio.format.frame_bytes
        if rest:
            raise InvalidAudioError(
                recognizer.name,
                f"{len(audio.data):,} bytes of audio end in the middle of a sample",
                hint="see whether it has the format that it is said to have",
            )
    if len(audio.data) > recognizer.max_bytes:
        raise AudioTooLargeError(
            recognizer.name,
            f"{len(audio.data):,} bytes of audio in one recording",
            hint=f"it takes {recognizer.max_bytes:,}: split it where nobody speaks",
        )
    duration_ms, max_ms = audio.duration_ms, recognizer.max_ms
    if max_ms is not None and duration_ms is not None and duration_ms > max_ms:
        raise AudioTooLargeError(
            recognizer.name,
            f"{duration_ms / 1000:.0f} s of audio in one recording",
            hint=f"it takes {max_ms / 1000:.0f} s: split it where nobody speaks",
        )


def _preferred(recognizer: FileRecognizer) -> str:
    """What it takes best."""
    if recognizer.containers:
        return recognizer.containers[0]
    raw = recognizer.capabilities.audio[0]
    return f"raw {raw.encoding}, {raw.sample_rate_hz} Hz, {raw.channels} channel(s)"
