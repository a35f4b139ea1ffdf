from __future__ import annotations

import pytest

from bot.api.stt.asked import SessionRequest
from bot.api.stt.feed import Feed


@pytest.mark.parametrize("channels", [1, 2])
async def test_audio_may_be_cut_within_a_frame(channels: int) -> None:
    feed = Feed(SessionRequest(channels=channels, stereo="split"))  # type: ignore[arg-type]
    audio = bytes(range(16))
    pieces = [piece for byte in audio async for piece in feed.take(bytes([byte]))]
    heard = [b"".join(parts) for parts in zip(*pieces, strict=True)]
    frames = [audio[at : at + 2 * channels] for at in range(0, 16, 2 * channels)]
    assert heard == [
        b"".join(frame[2 * channel : 2 * channel + 2] for frame in frames)
        for channel in range(channels)
    ]
