"""A client's bytes, taken apart for the recognizers of its channels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.feed import PIECE_MS, SPEECH_HZ, Feed
from media.audio import AudioFormat, Encoding
from media.files import wav_header
from providers.errors import InvalidAudioError

STEREO = np.stack([np.arange(20_000), np.arange(20_000, 0, -1)], axis=1).astype("<i2")


async def heard(feed: Feed, audio: bytes, cut: int, *, rest: bool = True) -> list[bytes]:
    """What each channel gets."""
    got = [b""] * feed.channels
    longest = feed.format.byte_count(PIECE_MS)
    for at in range(0, len(audio), cut):
        async for piece in feed.take(audio[at : at + cut]):
            assert len({len(one) for one in piece}) == 1
            assert len(piece[0]) <= max(longest, cut)
            got = [before + more for before, more in zip(got, piece, strict=True)]
    if rest:
        async for piece in feed.rest():
            got = [before + more for before, more in zip(got, piece, strict=True)]
    feed.close()
    return got


def samples(audio: bytes) -> NDArray[np.int16]:
    return np.frombuffer(audio, "<i2")


async def test_bare_audio_of_one_channel_is_passed_on_as_it_is() -> None:
    feed = Feed(SessionRequest(encoding="alaw", sample_rate_hz=8_000))
    assert feed.format == AudioFormat(Encoding.ALAW, 8_000)
    assert not feed.begun
    assert await heard(feed, b"abcdefg", 3) == [b"abcdefg"]
    assert feed.begun


async def test_who_recognizes_gets_whole_samples_however_they_are_cut() -> None:
    feed = Feed(SessionRequest())
    assert [piece async for piece in feed.take(b"abc")] == [[b"ab"]]
    # Somebody else may recognize what comes now.
    assert [piece async for piece in feed.take(b"")] == []
    assert [piece async for piece in feed.take(b"def")] == [[b"cdef"]]


@pytest.mark.parametrize("cut", [1, 7, 999, 100_000])
async def test_two_channels_are_split_however_they_are_cut(cut: int) -> None:
    feed = Feed(SessionRequest(channels=2, stereo="split"))
    audio = STEREO[:500].tobytes() if cut == 1 else STEREO.tobytes()
    left, right = await heard(feed, audio, cut)
    assert (samples(left) == STEREO[: len(audio) // 4, 0]).all()
    assert (samples(right) == STEREO[: len(audio) // 4, 1]).all()


async def test_a_channel_is_silent_where_it_was_heard_before() -> None:
    feed = Feed(SessionRequest(channels=2, stereo="split"))
    feed.skip(100)
    feed.mute({0: 500, 1: -100})
    left, right = await heard(feed, STEREO.tobytes(), 999)
    assert (samples(right) == STEREO[1_600:, 1]).all()
    assert not samples(left)[:8_000].any()
    assert (samples(left)[8_000:] == STEREO[9_600:, 0]).all()


async def test_two_channels_are_mixed() -> None:
    (mono,) = await heard(Feed(SessionRequest(channels=2)), STEREO.tobytes(), 4_001)
    assert (samples(mono) == 10_000).all()


@pytest.mark.parametrize("request_", [SessionRequest(), SessionRequest(channels=2, stereo="split")])
async def test_what_was_heard_before_is_left_out(request_: SessionRequest) -> None:
    feed = Feed(request_)
    feed.skip(250)
    audio = (STEREO if request_.channels == 2 else STEREO[:, 0]).tobytes()
    left = (await heard(feed, audio, 3_000))[0]
    assert (samples(left) == STEREO[4_000:, 0]).all()


async def test_containers_are_decoded_as_they_come() -> None:
    tone = (8_000 * np.sin(np.arange(48_000) / 20)).astype(np.int16)
    file = wav_header(2 * len(tone), 48_000, 1) + tone.tobytes()
    for encoding in ("wav", "auto"):
        feed = Feed(SessionRequest(encoding=encoding))
        assert feed.format == AudioFormat(Encoding.PCM16, SPEECH_HZ)
        (mono,) = await heard(feed, file, 5_000)
        assert abs(len(samples(mono)) - SPEECH_HZ) < 100


async def test_two_channels_of_a_container_are_split() -> None:
    file = wav_header(STEREO.nbytes, SPEECH_HZ, 2) + STEREO.tobytes()
    sides = await heard(Feed(SessionRequest(encoding="auto", stereo="split")), file, 5_000)
    assert [samples(side).tolist() for side in sides] == STEREO.T.tolist()


async def test_one_channel_is_not_recognized_twice() -> None:
    file = wav_header(STEREO.nbytes, SPEECH_HZ, 1) + STEREO.tobytes()
    feed = Feed(SessionRequest(encoding="wav", stereo="split"))
    with pytest.raises(Fault) as refused:
        await heard(feed, file, 5_000)
    assert (refused.value.code, refused.value.allowed) == ("bad_channels", {"stereo": ["mix"]})
    feed.close()


async def test_what_is_no_container_is_refused() -> None:
    feed = Feed(SessionRequest(encoding="ogg"))
    with pytest.raises(InvalidAudioError):
        await heard(feed, b"no such thing" * 1_000, 1_000)
    feed.close()
