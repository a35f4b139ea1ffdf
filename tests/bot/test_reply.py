from __future__ import annotations

import pytest

from bot.dialog import Play, Say
from bot.reply import SpokenReply
from media.playout import Playout

MS = b"\x00" * 8


def reply_of(playout: Playout, *texts: str) -> SpokenReply:
    """A reply whose sentences last a second each, all of it sent."""
    reply = SpokenReply()
    for text in texts:
        segment = playout.open(text)
        segment.write(1000 * MS)
        segment.close()
        reply.said.append((Say(text), segment))
    reply.note_planned(0)
    for now_ms in range(0, 1000 * len(texts), 20):
        playout.pump(now_ms)
    # All marks of the first sentence but the one at its end: the clock looks no further than one.
    for name in ("m1", "m2"):
        playout.mark_echoed(name, 800)
    return reply


def heard(reply: SpokenReply) -> str:
    reply.note_heard()
    assert reply.entry is not None
    return reply.entry.heard


@pytest.mark.parametrize(
    ("text", "sure"), [("So it is.", "So it is"), ("So it is", "So it"), ("Yes", "")]
)
def test_the_end_of_a_sentence_that_no_mark_has_confirmed(text: str, sure: str) -> None:
    playout = Playout()
    reply = reply_of(playout, text)
    reply.note_lost()
    playout.lost(1500)
    assert heard(reply) == sure
    # Saying so twice changes nothing.
    reply.note_lost()
    assert heard(reply) == sure


def test_a_sentence_that_was_confirmed_stays_so() -> None:
    playout = Playout()
    reply = reply_of(playout, "One.", "Two.")
    for name in ("m3", "m4", "m5"):
        playout.mark_echoed(name, 1800)
    reply.note_lost()
    playout.lost(2500)
    assert heard(reply) == "One. Two"


def test_when_it_was_heard() -> None:
    playout = Playout()
    reply = reply_of(playout, "One.", "Two.")
    playout.lost(900)
    heard(reply)
    assert reply.entry is not None
    assert (reply.entry.start_ms, reply.entry.end_ms) == (0, 900)


def test_a_reply_without_a_word_has_no_entry() -> None:
    reply = SpokenReply()
    assert reply.note_planned(0) is None
    reply.note_heard()
    assert reply.over
    assert reply.planned == []


def test_a_recording_is_named_in_the_history() -> None:
    playout = Playout()
    reply = SpokenReply()
    reply.said.append((Play("sounds/jingle.wav"), playout.open("[jingle.wav]")))
    entry = reply.note_planned(100)
    assert entry is not None
    assert (entry.text, entry.heard, entry.start_ms) == ("[jingle.wav]", "", 100)
