"""Silence in files, and files cut there."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.audio import PCM16_8K, ULAW_8K, pcm_to_ulaw
from media.silence import Silence
from providers.audio import AudioReader, Limits, find_silences, split_on_silence
from providers.errors import (
    AudioTooLargeError,
    ConversionError,
    FileError,
    InvalidAudioError,
    UnsupportedFormatError,
)
from tests.bot.engines import tone

SPOKEN = b"".join(
    [
        ULAW_8K.silence(1_000),
        pcm_to_ulaw(tone(2_000)),
        ULAW_8K.silence(700),
        pcm_to_ulaw(tone(1_500)),
        ULAW_8K.silence(400),
        pcm_to_ulaw(tone(600)),
    ]
)
"""Six seconds."""


async def test_silences_are_found_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "call.ulaw"
    path.write_bytes(SPOKEN)
    found = [Silence(0, 1_000), Silence(3_000, 3_700), Silence(5_200, 5_600)]
    assert await find_silences(path) == found
    assert await find_silences(path, min_ms=500) == found[:2]
    assert await find_silences(SPOKEN, format=ULAW_8K) == found
    with pytest.raises(FileError):
        await find_silences(tmp_path / "none.wav")
    with pytest.raises(AudioTooLargeError):
        await find_silences(path, limits=Limits(max_duration_s=3))


@pytest.mark.parametrize(("container", "kind"), [("wav", "wav"), ("mp4", "m4a"), ("raw", "raw")])
async def test_a_file_is_cut_where_nobody_speaks(container: str, kind: str) -> None:
    parts = [
        part
        async for part in split_on_silence(
            SPOKEN,
            4_000,
            format=ULAW_8K,
            container=container,  # type: ignore[arg-type]
            padding_ms=100,
        )
    ]
    assert [part.start_ms for part in parts] == [900, 3_600]
    assert {(part.audio.container, part.audio.format) for part in parts} == {(kind, PCM16_8K)}
    for part, duration_ms in zip(parts, (2_200, 2_600), strict=True):
        format = PCM16_8K if kind == "raw" else None
        with AudioReader(part.audio.data, format) as reader:
            samples = sum(len(piece) for piece in reader.pieces())
        assert samples / 8 == pytest.approx(duration_ms, abs=130)


async def test_what_cannot_be_cut_is_said() -> None:
    with pytest.raises(ConversionError, match="pieces of 900 ms are too short for silences"):
        await anext(split_on_silence(SPOKEN, 900, format=ULAW_8K))
    with pytest.raises(UnsupportedFormatError, match=r"'avi' is no container; choose one of raw,"):
        await anext(split_on_silence(SPOKEN, 9_000, container="avi"))  # type: ignore[arg-type]
    with pytest.raises(InvalidAudioError):
        await anext(split_on_silence(b"no audio", 9_000))
