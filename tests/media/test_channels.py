"""Bytes of several channels, in pieces cut anywhere."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat, Encoding, encode
from media.channels import Unpacker, mixed

FORMATS = st.builds(
    AudioFormat, st.sampled_from(Encoding), st.sampled_from([4_000, 192_000]), st.integers(1, 2)
)


@given(FORMATS, st.lists(st.integers(0, 9), max_size=8))
def test_moments_stay_whole_wherever_bytes_are_cut(format: AudioFormat, sizes: list[int]) -> None:
    frames = np.arange(-600, 600, 30).astype(np.int16).reshape(-1, format.channels)
    data, unpacker, at, got = encode(frames.ravel(), format.encoding), Unpacker(format), 0, []
    for size in [*sizes, len(data)]:
        got.append(unpacker.process(data[at : at + size]))
        at += size
    whole = Unpacker(format).process(data)
    assert whole.shape == frames.shape
    assert np.array_equal(np.concatenate(got), whole)


def test_a_moment_that_lacks_a_byte_is_kept_back() -> None:
    unpacker = Unpacker(AudioFormat(Encoding.PCM16, 8_000, 2))
    assert unpacker.process(b"\1\0\2").shape == (0, 2)
    assert unpacker.process(b"\0\3").tolist() == [[1, 2]]


def test_channels_are_mixed_without_overflow() -> None:
    frames = np.array([[32_767, 32_767], [-32_768, 32_767], [10, 20]], np.int16)
    assert mixed(frames).tolist() == [[32_767], [0], [15]]
    one = frames[:, :1]
    assert mixed(one) is one
