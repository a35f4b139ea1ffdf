from __future__ import annotations

from bot.api.keys import ledger
from bot.api.keys.ledger import Ledger


def test_what_is_used_here_is_known_before_redis_says_it() -> None:
    book = Ledger()
    book.open("k", "a", 1000, 0.0)
    book.used("k", "a", 1500, 1.0)
    book.used("k", "a", 1200, 2.0)
    book.used("k", "b", 300, 2.0)
    assert (book.count("k"), book.used_ms("k", 2.0), book.left_s("k", 2.0)) == (2, 800, 0)
    told = book.audio_of("k", book.open_here("k"))
    assert told == {"a": 1500, "b": 300}
    book.used("k", "a", 1700, 3.0)
    book.answered("k", told, [], revoked=False)
    book.shared("k", 90_000, 100.0)
    assert (book.used_ms("k", 3.0), book.left_s("k", 3.0)) == (90_200, 97.0)
    # Another day begins with what is not told yet.
    assert (book.used_ms("k", 100.0), book.left_s("k", 101.0)) == (200, 0)


def test_a_session_that_goes_on_here_is_counted_on() -> None:
    book = Ledger()
    book.open("k", "a", 1000, 0.0)
    book.used("k", "a", 1500, 1.0)
    book.open("k", "a", 1000, 2.0)
    assert book.audio_of("k", ["a", "closed"]) == {"a": 1500}


def test_a_closed_session_is_kept_until_redis_knows() -> None:
    book = Ledger()
    book.open("k", "a", 0, 0.0)
    book.used("k", "a", 700, 1.0)
    assert (book.close("k", "a"), book.close("k", "a"), book.close("x", "a")) == (700, None, None)
    book.settle()
    assert (book.keys, book.closed("k"), book.count("k")) == (["k"], {"a": 700}, 0)
    book.told_closed("k", "a")
    book.settle()
    assert (book.keys, book.count("k"), book.used_ms("k", 0)) == ([], 0, 0)


def test_a_session_that_is_open_again_is_not_closed() -> None:
    book = Ledger()
    book.open("k", "a", 0, 0.0)
    book.close("k", "a")
    book.open("k", "a", 0, 0.0)
    assert book.closed("k") == {}


def test_a_session_of_which_nothing_is_said_is_closed() -> None:
    book = Ledger()
    book.open("k", "a", 0, 0.0)
    book.open("k", "b", 0, 0.0)
    book.used("k", "b", 5, ledger.SILENT_S)
    book.let_go("k", ledger.SILENT_S + 1)
    assert book.open_here("k") == ["b"]
    assert book.closed("k") == {"a": 0}


def test_a_session_of_another_worker_is_let_go() -> None:
    book = Ledger()
    book.open("k", "a", 0, 0.0)
    book.answered("k", {"a": 0}, ["a"], revoked=True)
    assert (book.count("k"), book.is_revoked("k"), book.is_revoked("x")) == (0, True, False)
    book.settle()
    book.answered("k", {"a": 0}, [], revoked=True)
    book.shared("k", 1, 1.0)
    assert (book.keys, book.is_revoked("k")) == ([], False)


def test_the_sessions_that_redis_is_to_be_told_of_are_bounded() -> None:
    book = Ledger()
    for number in range(ledger.MOST_CLOSED + 1):
        book.open("k", str(number), 0, 0.0)
        book.close("k", str(number))
    assert len(book.closed("k")) == ledger.MOST_CLOSED
    assert "0" not in book.closed("k")
