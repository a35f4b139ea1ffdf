"""The tape of a call."""

from __future__ import annotations

from bot.phone.tape import Tape

from .sounds import quiet, tone


def test_frames_that_were_never_sent_are_silence() -> None:
    tape = Tape()
    frame = tone(20)
    tape.write_caller(0, frame)
    tape.write_caller(2, frame)
    assert bytes(tape.caller) == frame + quiet(20) + frame
    assert tape.length_ms == 60


def test_a_frame_of_the_bot_may_be_half_played() -> None:
    tape = Tape(bot=bytearray(tone(30)))
    assert len(tape.bot_frame(0)) == 160
    assert len(tape.bot_frame(1)) == 80
    assert len(tape.bot_frame(2)) == 0
    assert tape.length_ms == 30
