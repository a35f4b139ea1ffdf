"""Containers decoded while they stream: soon, however they are cut, and whatever is in them."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from media.audio import Samples, pcm_to_bytes
from media.files import wav_header
from providers.audio import streamed
from providers.audio.streamed import StreamDecoder
from providers.errors import (
    AudioError,
    DeadlineError,
    InvalidAudioError,
    ProviderError,
    UnsupportedFormatError,
    UnsupportedRateError,
)

from .sounds import file_of, pitch_hz, tone
from .streams import STREAMS, Streaming, recorded, whole
from .test_ffmpeg import damaged

RATE_HZ = 16_000


async def decode(
    data: bytes, container: Any = "auto", channels: int = 1, sizes: Iterable[int] = ()
) -> Samples:
    """All samples of a stream that is cut into pieces of these sizes."""
    decoder, at, got = StreamDecoder(container, RATE_HZ, channels), 0, list[Samples]()
    try:
        for size in sizes:
            got += [samples async for samples in decoder.feed(data[at : at + size])]
            at += size
        got += [samples async for samples in decoder.feed(data[at:])]
        got += [samples async for samples in decoder.finish()]
    finally:
        decoder.close()
    return np.concatenate(got) if got else np.empty(0, np.int16)


def threads() -> list[threading.Thread]:
    """Those of decoders."""
    return [one for one in threading.enumerate() if one.name == "parley-decoder"]


async def freed() -> None:
    """Wait for the threads that were left."""
    for one in threads():
        await asyncio.to_thread(one.join, 5)
    assert not threads()


@pytest.mark.parametrize("name", STREAMS)
async def test_audio_comes_out_soon_after_it_was_fed(name: str) -> None:
    how = STREAMS[name]
    pieces = recorded(how, tone(2.0, how.rate_hz))
    decoder, got, late_ms = StreamDecoder("auto", RATE_HZ), list[Samples](), 0.0
    count = 0
    for data, said_ms in pieces:
        async for samples in decoder.feed(data):
            got.append(samples)
            count += len(samples)
        if said_ms > 1_000:
            late_ms = max(late_ms, said_ms - count * 1000 / RATE_HZ)
    got += [samples async for samples in decoder.finish()]
    audio = np.concatenate(got)
    assert late_ms <= how.late_ms
    assert len(audio) == pytest.approx(2 * RATE_HZ, abs=0.1 * RATE_HZ)
    assert pitch_hz(audio, RATE_HZ) == pytest.approx(440, abs=2)
    await freed()


@pytest.mark.parametrize("name", ["webm", "ogg", "wav of 48 kHz", "mp3"])
async def test_it_is_the_same_however_it_is_cut(name: str) -> None:
    how, chance = STREAMS[name], random.Random(1)
    data = whole(how, tone(1.0, how.rate_hz))
    once = await decode(data)
    sizes = [round(2_000 ** chance.random()) for _ in range(150)]
    assert np.array_equal(await decode(data, how.muxer, sizes=sizes), once)


@pytest.mark.parametrize("name", ["webm", "wav", "wav of 48 kHz"])
async def test_two_channels_stay_two_or_are_made_one(name: str) -> None:
    how = STREAMS[name]
    sides = [tone(1.0, how.rate_hz, hz) for hz in (400.0, 900.0)]
    both = whole(how, np.stack(sides, 1))
    apart = await decode(both, channels=2)
    assert [pitch_hz(apart[:, side], RATE_HZ) for side in (0, 1)] == pytest.approx([400, 900], 0.01)
    mixed = await decode(both)
    assert np.abs(mixed - apart.mean(axis=1)).max() < 20
    one = await decode(whole(how, sides[0]), channels=2)
    assert one.shape[1] == 1
    assert np.abs(one).max() == pytest.approx(9_000, rel=0.1)  # as loud as it was


async def test_a_stream_may_go_on_with_another() -> None:
    how = STREAMS["ogg"]
    first = whole(how, tone(0.5, how.rate_hz, 400))
    second = whole(how, tone(0.5, how.rate_hz, 900))
    audio = await decode(first + second)
    half = len(audio) // 2
    assert len(audio) == pytest.approx(RATE_HZ, abs=800)
    pitches = [pitch_hz(part, RATE_HZ) for part in (audio[:half], audio[half:])]
    assert pitches == pytest.approx([400, 900], 0.02)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 3_200])
async def test_what_a_wav_file_says_of_its_length(size: int) -> None:
    header = bytearray(wav_header(0, RATE_HZ, 1))
    header[40:44] = size.to_bytes(4, "little")
    audio = tone(0.5)
    behind = b"LIST\x04\x00\x00\x00abcd" if size == 3_200 else b""
    samples = await decode(bytes(header) + pcm_to_bytes(audio)[: size or None] + behind, "wav")
    assert np.array_equal(samples, audio[: 1_600 if behind else None])


@pytest.mark.parametrize("name", STREAMS)
async def test_what_ends_in_the_midst_gives_what_there_was(name: str) -> None:
    how = STREAMS[name]
    data = whole(how, tone(2.0, how.rate_hz))
    assert len(await decode(data[: len(data) * 3 // 4])) > RATE_HZ / 2


async def test_nothing_is_no_error_and_a_beginning_alone_is_none() -> None:
    assert not len(await decode(b"", "webm"))
    webm = whole(STREAMS["webm"], tone(1.0, 48_000))
    begin = webm.index(b"\x1f\x43\xb6\x75")  # the first cluster
    assert not len(await decode(webm[:begin]))
    with pytest.raises(InvalidAudioError, match="no audio that can be decoded"):
        await decode(webm[:begin] + b"\xec\x50\0" + bytes(0x1000) * 3)


@pytest.mark.parametrize(
    ("container", "data", "kind", "words"),
    [
        ("webm", b"OggS" + bytes(99), InvalidAudioError, "begins like ogg and not like webm"),
        ("auto", b"hello, world! hello", InvalidAudioError, "no audio that is known"),
        ("ogg", b"hello, world! hello", InvalidAudioError, "begins like no ogg"),
        ("auto", b"#EXTM3U\nfile:///etc/passwd", InvalidAudioError, "no audio that is known"),
        ("auto", b"\0\0\0\x18ftypM4A " + bytes(99), UnsupportedFormatError, "m4a cannot"),
        ("auto", b"\x1aE\xdf\xa3" + bytes(99), InvalidAudioError, "begins like webm, and"),
        ("wav", b"RIFF" + b"x" * 70_000, InvalidAudioError, "begins like wav, and cannot"),
    ],
)
async def test_what_cannot_be_decoded_is_said(
    container: str, data: bytes, kind: type[AudioError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await decode(data, container)
    await freed()


async def test_a_rate_that_nobody_has_is_refused() -> None:
    wav = bytearray(whole(STREAMS["wav of floats"], tone(0.5)))
    wav[24:28] = (1).to_bytes(4, "little")  # a byte would give four hours
    with pytest.raises(UnsupportedRateError):
        await decode(bytes(wav))


async def test_only_codecs_of_such_streams_are_decoded() -> None:
    with pytest.raises(InvalidAudioError, match="holds ac3; send Opus"):
        await decode(whole(Streaming("matroska", "ac3", 48_000, 0), tone(1.0, 48_000)), "webm")


@pytest.mark.parametrize("name", STREAMS)
async def test_damage_gives_audio_or_a_clear_error(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chance, how = random.Random(name), STREAMS[name]
    good, heard = whole(how, tone(0.5, how.rate_hz)), 0
    for _ in range(25):
        try:
            async with asyncio.timeout(10):
                heard += len(await decode(damaged(good, chance), how.muxer)) > 0
        except (InvalidAudioError, UnsupportedRateError, UnsupportedFormatError):
            continue
    assert heard
    await freed()
    assert capfd.readouterr() == ("", "")


async def test_much_may_be_in_some_bytes_and_are_given_by_the_second() -> None:
    half_an_hour = np.zeros(30 * 60 * 8_000, np.int16)
    data = whole(Streaming("flac", "flac", 8_000, 0), half_an_hour, step_ms=60_000)
    assert len(data) < 400_000
    decoder = StreamDecoder("flac", 8_000)
    count, pieces = 0, decoder.feed(data)
    async for samples in pieces:
        assert len(samples) <= 16_000
        count += len(samples)
        if count > 100 * 8_000:
            break
    await pieces.aclose()
    assert len(decoder._ready) < 20
    decoder.close()
    await freed()


async def test_who_stops_in_the_midst_gets_the_rest_later() -> None:
    how, chance = STREAMS["webm"], np.random.default_rng(1)
    data = whole(how, chance.integers(-9_000, 9_000, 96_000, np.int16))
    decoder, got = StreamDecoder("webm", RATE_HZ), list[Samples]()
    async for samples in decoder.feed(data):
        got.append(samples)
        break
    got += [samples async for samples in decoder.finish()]
    assert np.array_equal(np.concatenate(got), await decode(data))


async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    how = STREAMS["webm"]
    data = whole(how, tone(1.0, how.rate_hz))
    decoder = StreamDecoder("webm", RATE_HZ)

    async def first() -> None:
        async for _ in decoder.feed(data):
            raise AssertionError("it had no time")

    task = asyncio.create_task(first())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    got = [samples async for samples in decoder.finish()]
    assert np.array_equal(np.concatenate(got), await decode(data))


async def test_the_thread_is_freed_at_once() -> None:
    how = STREAMS["webm"]
    data = whole(how, tone(1.0, how.rate_hz))
    left, forgotten = StreamDecoder("webm", RATE_HZ), StreamDecoder("auto", RATE_HZ)
    for decoder in (left, forgotten):
        assert [samples async for samples in decoder.feed(data[:-1_000])]
    assert len(threads()) == 2
    left.close()
    left.close()
    assert not [samples async for samples in left.feed(data)]
    del decoder, forgotten
    gc.collect()
    await freed()


async def test_bytes_without_audio_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "MOST_SILENT_BYTES", 100_000)
    webm = whole(STREAMS["webm"], tone(0.3, 48_000))
    begin = webm.index(b"\x1f\x43\xb6\x75")
    void = b"\xec\x10\x7f\xff\xff" + bytes(0x7FFFF)
    decoder = StreamDecoder("webm", RATE_HZ)
    with pytest.raises(InvalidAudioError, match="without any audio"):
        _ = [samples async for samples in decoder.feed(webm[:begin] + void)]
    with pytest.raises(InvalidAudioError, match="without any audio"):
        _ = [samples async for samples in decoder.feed(webm[begin:])]
    await freed()


async def test_a_decoder_that_is_stuck_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    decoder = StreamDecoder("wav", RATE_HZ)
    monkeypatch.setattr(streamed, "STEP_S", 0.01)
    monkeypatch.setattr(decoder._pulled, "push", lambda _: go_on.wait(5))
    with pytest.raises(DeadlineError, match="the decoder has done nothing"):
        _ = [samples async for samples in decoder.feed(b"RIFF")]
    go_on.set()
    await freed()


async def test_errors_are_raised_again() -> None:
    decoder = StreamDecoder("auto", RATE_HZ)
    for _ in range(2):
        with pytest.raises(ProviderError, match="begins like no audio"):
            _ = [samples async for samples in decoder.feed(b"hello, world! hello")]


async def test_mp3_may_begin_in_the_midst() -> None:
    mp3 = file_of("mp3", 2.0)
    assert pitch_hz(await decode(mp3[777:], "mp3"), RATE_HZ) == pytest.approx(440, abs=3)
