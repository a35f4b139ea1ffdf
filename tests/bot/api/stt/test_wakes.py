"""Who waits for news of a session."""

from __future__ import annotations

from bot.api.stt.wakes import Wakes


def test_all_who_wait_for_news_of_a_session_are_woken() -> None:
    wakes = Wakes()
    wakes.wake("s")
    with wakes.news_of("s") as one, wakes.news_of("t") as other:
        with wakes.news_of("s") as two:
            wakes.wake("s")
            assert one.is_set()
            assert two.is_set()
        two.clear()
        wakes.wake("s")
        assert not two.is_set()
        assert not other.is_set()
    assert not wakes._waiting
