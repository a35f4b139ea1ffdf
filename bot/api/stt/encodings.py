"""PURE: what clients call the encodings of audio.

Sources: the names of ffmpeg and of Google's Speech-to-Text (`RecognitionConfig.AudioEncoding`), and
the MIME types of browsers' recorders (https://www.w3.org/TR/mediastream-recording/#mimetype).
"""

from __future__ import annotations

from typing import Literal, get_args

from media.audio import Encoding

from .faults import Fault

__all__ = ["ALIASES", "CONTAINERS", "ENCODINGS", "StreamContainer", "encoding_named", "raw"]

StreamContainer = Literal["ogg", "webm", "wav", "flac", "mp3", "auto"]
"""What audio may be wrapped in as it streams; `auto` is whichever its first bytes show."""
CONTAINERS: tuple[StreamContainer, ...] = get_args(StreamContainer)
ENCODINGS: tuple[str, ...] = (*(str(encoding) for encoding in Encoding), *CONTAINERS)
"""Every encoding by the name that answers have."""

ALIASES: dict[str, str] = {
    "linear16": "pcm_s16le",
    "pcm16": "pcm_s16le",
    "pcm": "pcm_s16le",
    "s16le": "pcm_s16le",
    "ulaw": "mulaw",
    "pcmu": "mulaw",
    "pcma": "alaw",
    "ogg_opus": "ogg",
    "opus": "ogg",
    "webm_opus": "webm",
    "wave": "wav",
    "mpeg": "mp3",
    "encoding_unspecified": "auto",
}
"""Other names of them."""


def encoding_named(name: str) -> str:
    """One of `ENCODINGS` by any of its names or its MIME type, in letters of either case.

    Raises:
        Fault: bad_encoding.
    """
    plain = name.strip().lower().partition(";")[0].removeprefix("audio/").removeprefix("x-")
    encoding = ALIASES.get(plain, plain)
    if encoding not in ENCODINGS:
        raise Fault(
            "bad_encoding",
            "encoding: audio in this one is not taken; choose one of `allowed`",
            allowed=[*ENCODINGS, *ALIASES],
        )
    return encoding


def raw(encoding: str) -> Encoding | None:
    """The encoding of bare samples; None for a container."""
    return None if encoding in CONTAINERS else Encoding(encoding)
