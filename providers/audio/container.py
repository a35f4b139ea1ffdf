"""PURE: what audio files are in, by their first bytes and by their names.

Sources: RFC 3533 (Ogg), RFC 8794 (EBML: WebM and Matroska), RFC 9639 (FLAC), ISO/IEC 14496-12
(`ftyp`), ISO/IEC 13818-7 (ADTS), ISO/IEC 11172-3 (MPEG audio), https://id3.org/id3v2.4.0-structure.
"""

from __future__ import annotations

from typing import get_args

from media.audio import ULAW_8K, AudioFormat, Encoding

from ..errors import UnsupportedFormatError
from ..results import Container

__all__ = ["CONTAINERS", "HEAD_BYTES", "container_called", "container_named", "detect"]
__all__ += ["raw_format"]

CONTAINERS: tuple[Container, ...] = get_args(Container)
HEAD_BYTES = 65_536
"""How much of a file's beginning is looked at; pictures in tags may be longer."""

_OTHER_SUFFIXES: dict[str, Container] = {
    "mp4": "m4a",
    "m4b": "m4a",
    "mov": "m4a",
    "3gp": "m4a",
    "mpga": "mp3",
    "mpeg": "mp3",
    "adts": "aac",
    "wave": "wav",
    "oga": "ogg",
    "opus": "ogg",
    "mkv": "webm",
    "mka": "webm",
    "pcm": "raw",
}
_RAW_FORMATS = {
    "ulaw": ULAW_8K,
    "ul": ULAW_8K,
    "alaw": AudioFormat(Encoding.ALAW, 8_000),
    "al": AudioFormat(Encoding.ALAW, 8_000),
}
_MAGIC: tuple[tuple[int, bytes, Container], ...] = (
    (0, b"RIFF", "wav"),
    (0, b"RF64", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\x1aE\xdf\xa3", "webm"),
    (4, b"ftyp", "m4a"),
)


def container_called(name: str) -> Container:
    """The container that somebody wants by its name.

    Raises:
        UnsupportedFormatError: there is none of that name.
    """
    if name not in (*CONTAINERS, "mp4") or (found := container_named(f".{name}")) is None:
        raise UnsupportedFormatError(
            "audio",
            f"{name!r} is no container",
            hint=f"choose one of {', '.join(CONTAINERS)}, mp4",
        )
    return found


def container_named(name: str) -> Container | None:
    """What a file's name says that it is in; None when it does not say."""
    suffix = _suffix(name)
    if suffix in _RAW_FORMATS:
        return "raw"
    known: dict[str, Container] = {container: container for container in CONTAINERS}
    return {**known, **_OTHER_SUFFIXES}.get(suffix)


def raw_format(name: str) -> AudioFormat | None:
    """The format of a headerless file by its name: `.ulaw` and `.alaw` are a telephone's."""
    return _RAW_FORMATS.get(_suffix(name))


def detect(head: bytes) -> Container | None:
    """What a file with these first bytes is in; None when they are of no kind that is known.

    Raw audio has no first bytes of its own, and may, seldom, begin like an MP3 file: who knows that
    it is raw does not ask.
    """
    # Tags may stand before any stream of frames; they stand before MP3 when they are too long.
    otherwise: Container | None = None
    while head.startswith(b"ID3"):
        head, otherwise = head[_tag_bytes(head) :], "mp3"
    for place, magic, container in _MAGIC:
        if head.startswith(magic, place):
            return container
    return _framed(head) or otherwise


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _tag_bytes(head: bytes) -> int:
    """How long an ID3v2 tag is: a header of 10, and its size in four groups of 7 bits."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _framed(head: bytes) -> Container | None:
    """Streams of frames have no header but each frame's, which begins with eleven ones."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "aac"  # twelve ones, and layer 0: ADTS
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    # These are the values that the standard keeps for itself; no file has them.
    return None if version == 1 or not layer or bit_rate in (0, 15) or sample_rate == 3 else "mp3"
