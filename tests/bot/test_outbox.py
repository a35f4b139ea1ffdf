from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.disk import Disk
from bot.outbox import SEND_DEADLINE_S, Outbox
from bot.parts import Counts
from bot.recording import CallRecording
from media.audio import pcm_to_ulaw
from media.files import read_wav
from media.messages import SendClear, SendMark, SendMedia
from media.playout import Playout
from media.twilio import parse_command
from tests.bot.engines import tone
from tests.bot.sessions import STREAM, Telephone
from tests.virtual_time import virtual_time

LOUD = pcm_to_ulaw(tone(100))


class Wire(Telephone):
    """Keeps what is sent, if it takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[object] = []

    async def send(self, text: str) -> None:
        await self.stuck.wait()
        self.sent.append(type(parse_command(text, STREAM)))


@virtual_time
async def test_audio_and_marks_go_out_once_and_are_counted() -> None:
    wire, counts, playout = Wire(), Counts(), Playout()
    outbox = Outbox(wire, STREAM, playout, counts, None, 0)
    assert not outbox.pump(0)
    segment = playout.open("hello")
    segment.write(LOUD)
    segment.close()
    assert outbox.pump(0)
    await outbox.send()
    await outbox.send()
    assert wire.sent == [SendMedia, SendMark]
    assert (counts.media_out, counts.marks, counts.clears) == (1, 1, 0)
    assert outbox.mark_echoed("m1", 100).segments == (segment,)


@virtual_time
async def test_a_clear_is_sent_when_there_is_something_to_clear() -> None:
    wire, counts, playout = Wire(), Counts(), Playout()
    outbox = Outbox(wire, STREAM, playout, counts, None, 0)
    outbox.clear(0)
    assert not outbox.clearing
    playout.open("hello").write(LOUD)
    outbox.pump(0)
    outbox.clear(10)
    assert outbox.clearing
    await outbox.send()
    assert not outbox.clearing
    assert wire.sent == [SendMedia, SendClear]
    assert counts.clears == 1


@virtual_time
async def test_a_peer_that_takes_nothing() -> None:
    wire, playout = Wire(), Playout()
    wire.stuck.clear()
    outbox = Outbox(wire, STREAM, playout, Counts(), None, 0)
    playout.open("hello").write(LOUD)
    outbox.pump(0)
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await outbox.send()
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(SEND_DEADLINE_S, abs=0.1)


@virtual_time
async def test_what_was_heard_is_recorded_from_the_streams_beginning(tmp_path: Path) -> None:
    path, playout = tmp_path / "call.wav", Playout()
    with Disk() as disk:
        recording = CallRecording(disk.open(path))
        outbox = Outbox(Wire(), STREAM, playout, Counts(), recording, 5_000)
        playout.open("hello").write(LOUD * 3)
        outbox.pump(5_200)
        outbox.lost(5_250)
        recording.close()
    bot = read_wav(path.read_bytes()).samples[:, 1]
    assert not bot[: 200 * 8].any()
    assert abs(bot[200 * 8 :]).max() > 1000
    assert len(bot) == pytest.approx(250 * 8, abs=2)
