from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.stt.replay import MAX_MS, ReplayRing


def ring_of(*pieces: bytes | None, frame_bytes: int = 1) -> ReplayRing:
    """A ring of one byte a millisecond, with pieces and ends (None) in it."""
    ring = ReplayRing(1.0, frame_bytes)
    for piece in pieces:
        if piece is None:
            ring.end_utterance()
        else:
            assert ring.add(piece)
    return ring


def test_everything_is_sent_once() -> None:
    ring = ring_of(b"one", None, b"two")
    sending = ring.unsent()
    assert next(sending) == b"one"
    ring.add(b"three")
    assert list(sending) == [None, b"two", b"three"]
    assert list(ring.unsent()) == []


def test_a_message_has_a_second_at_most() -> None:
    audio = bytes(range(250)) * 10
    assert [len(piece or b"") for piece in ring_of(audio).unsent()] == [1_000, 1_000, 500]
    assert b"".join(piece or b"" for piece in ring_of(audio).unsent()) == audio


def test_what_is_kept() -> None:
    ring = ring_of(b"12345", None)
    assert (ring.is_empty, ring.start_ms, ring.end_ms) == (False, 0, 5)
    ring.rewind(5.0)
    assert (ring.is_empty, ring.start_ms, ring.end_ms) == (True, 5, 5)


def test_what_is_understood_is_not_sent_again() -> None:
    ring = ring_of(b"12345", b"678", b"90")
    assert list(ring.unsent()) == [b"12345", b"678", b"90"]
    ring.forget(4.0)
    assert ring.start_ms == 0
    ring.forget(8.9)
    assert ring.start_ms == 8
    assert (ring.rewind(8.0), list(ring.unsent())) == (8, [b"90"])


def test_sending_goes_on_within_a_piece() -> None:
    ring = ring_of(b"12345", b"678", frame_bytes=2)
    list(ring.unsent())
    assert (ring.rewind(3.9), list(ring.unsent())) == (2, [b"345", b"678"])
    assert (ring.rewind(5.0), list(ring.unsent())) == (4, [b"5", b"678"])
    assert (ring.rewind(6.0), list(ring.unsent())) == (6, [b"78"])
    assert (ring.rewind(99.0), list(ring.unsent())) == (8, [])


def test_an_end_is_kept_until_it_is_answered() -> None:
    ring = ring_of(b"one", None, b"two", None)
    list(ring.unsent())
    ring.forget(6.0)
    assert (ring.rewind(3.0), list(ring.unsent())) == (3, [None, b"two", None])
    assert ring.answered() == 3
    assert list(ring.unsent()) == []
    assert (ring.rewind(3.0), list(ring.unsent())) == (3, [b"two", None])
    assert ring.answered() == 6
    assert ring.answered() == 3  # there is none
    assert (ring.rewind(3.0), list(ring.unsent())) == (3, [b"two"])


def test_what_is_understood_after_an_end_without_an_answer_is_not_sent_again() -> None:
    ring = ring_of(b"one", None, b"two", None, b"three")
    list(ring.unsent())
    assert (ring.rewind(7.0), list(ring.unsent())) == (7, [None, None, b"hree"])
    assert (ring.rewind(11.0), list(ring.unsent())) == (11, [None, None])


def test_an_end_that_is_answered_before_it_was_sent() -> None:
    ring = ring_of(b"one", None, b"two")
    assert next(ring.unsent()) == b"one"
    ring.answered()
    assert list(ring.unsent()) == [b"two"]


def test_what_was_not_sent_is_not_forgotten() -> None:
    ring = ring_of(b"one")
    ring.forget(99.0)
    assert list(ring.unsent()) == [b"one"]
    ring.forget(99.0)
    ring.forget(99.0)
    assert ring.start_ms == 3


def test_no_more_is_kept_than_half_a_minute() -> None:
    ring = ring_of(None, bytes(10_000), bytes(20_000))
    assert MAX_MS == 30_000
    assert len(list(ring.unsent())) == 1 + 30
    # It was sent: there is no harm in it now.
    assert ring.add(b"x")
    assert ring.start_ms == 1_000
    assert list(ring.unsent()) == [b"x"]
    assert ring.rewind(0.0) == 1_000
    # Now it is not.
    assert not ring.add(bytes(20_000))
    assert ring.start_ms == 21_000


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_nothing_is_lost_or_doubled(seed: int) -> None:
    """Whatever is sent, understood and lost in whichever order."""
    chance = random.Random(seed)
    ring, whole, heard = ReplayRing(1.0, 1), bytearray(), bytearray()
    for _ in range(60):
        match chance.randrange(6):
            case 0:
                piece = chance.randbytes(chance.randrange(1, 40))
                whole += piece
                ring.add(piece)
            case 1:
                for item in ring.unsent():
                    heard += item or b""
                    if chance.random() < 0.3:
                        break
            case 2:
                ring.forget(chance.uniform(0, len(heard)))
            case 3:
                ring.end_utterance()
            case 4:
                ring.answered()
            case _:
                del heard[int(ring.rewind(chance.uniform(ring.start_ms, len(heard)))) :]
    for item in ring.unsent():
        heard += item or b""
    assert heard == whole


def test_short_pieces_go_together() -> None:
    ring = ReplayRing(1.0, 1, shortest_ms=50)
    for size in (20, 20, 20, 990, 1_000, 30):
        assert ring.add(bytes(size))
    assert [len(piece or b"") for piece in ring.unsent()] == [60, 990, 1_000]
    assert (ring.unsent_ms, ring.waits(ended=False), ring.waits(ended=True)) == (30, False, True)
    ring.add(bytes(1_000))
    assert [len(piece or b"") for piece in ring.unsent()] == [1_000]
    # What is left is as short; an end does not wait for it to be longer.
    ring.end_utterance()
    assert [piece and len(piece) for piece in ring.unsent()] == [30, None]
    ring.add(bytes(10))
    assert [len(piece or b"") for piece in ring.unsent(ended=True)] == [10]


def test_audio_goes_no_faster_than_it_may() -> None:
    ring = ReplayRing(1.0, 1, shortest_ms=50)
    for _ in range(4):
        ring.add(bytes(100))
    ring.end_utterance()
    assert len(list(ring.unsent(250))) == 2
    assert (ring.unsent_ms, ring.waits(ended=False)) == (200, True)
    assert len(list(ring.unsent(299))) == 0
    assert len(list(ring.unsent(400))) == 3
    # On another connection it counts anew.
    ring.rewind(100)
    assert len(list(ring.unsent(200))) == 2
    # What is short counts as a whole message.
    ring = ReplayRing(1.0, 1, shortest_ms=50)
    ring.add(bytes(120))
    for _ in range(2):
        ring.end_utterance()
        ring.add(bytes(20))
    assert [item and len(item) for item in ring.unsent(169, ended=True)] == [120, None]
    assert [item and len(item) for item in ring.unsent(170, ended=True)] == [20, None]


def test_it_is_known_what_would_be_sent_again() -> None:
    def is_quiet(audio: bytes) -> bool:
        return not any(audio)

    ring = ring_of(b"x" * 100, bytes(100), b"x" * 100)
    list(ring.unsent(200))
    assert ring.again_ms(50, is_quiet, 20) == 150
    assert ring.again_ms(100, is_quiet, 20) == 20
    quiet = ring_of(b"x" * 50 + bytes(50), bytes(100), bytes(100))
    list(quiet.unsent(100))
    # Of what is quiet, what was not sent would not go either.
    assert quiet.again_ms(50, is_quiet, 20) == -180
    assert quiet.again_ms(100, is_quiet, 500) == 0


def test_quiet_at_the_beginning_is_left_out() -> None:
    def is_quiet(audio: bytes) -> bool:
        return not any(audio)

    ring = ring_of(bytes(100), bytes(100), b"x" * 100, bytes(100))
    list(ring.unsent())
    assert ring.rewind(20) == 20
    assert ring.skip(is_quiet, 50) == 150
    assert [len(piece or b"") for piece in ring.unsent()] == [50, 100, 100]
    assert ring.skip(is_quiet, 500) == 150
    # Where somebody is known to speak it is not.
    again = ring_of(bytes(100), bytes(100), bytes(100), bytes(100))
    assert again.skip(is_quiet, 50, 220) == 170
    # An end that is owed shows that somebody spoke.
    assert ring_of(None, bytes(100)).skip(is_quiet, 0) == 0
    assert ring_of(bytes(100), None).skip(is_quiet, 0) == 100
