from __future__ import annotations

from providers.stt.heard import Finalized, Finished, Heard, HeardEvent, Token
from providers.stt.openai_items import Items


def spoken(items: Items, ms: float) -> Items:
    items.sent_ms += ms
    return items


def finals(events: list[HeardEvent]) -> list[Token]:
    return [token for event in events if isinstance(event, Heard) for token in event.final]


def interims(events: list[HeardEvent]) -> list[Token]:
    (event,) = events
    assert isinstance(event, Heard)
    return list(event.interim)


def test_an_item_grows_while_one_speaks_and_is_final_after_its_commit() -> None:
    items = spoken(Items(), 400)
    assert interims(items.grows("one", "Hel")) == [Token(" Hel", 0, 400)]
    spoken(items, 400)
    assert interims(items.grows("one", "lo there")) == [Token(" Hello there", 0, 800)]
    assert items.waiting_ms == 800
    items.commit()
    assert not items.idle
    assert items.waiting_ms == 0
    items.accepted("one")
    events = items.completed("one", "Hello, there.", "en")
    assert events == [
        Heard(
            [Token(" Hello,", 0, 800, language="en"), Token(" there.", 0, 800, language="en")], []
        ),
        Finalized(all_heard=True),
    ]
    assert items.idle


def test_items_become_final_in_the_order_in_which_they_were_said() -> None:
    items = spoken(Items(), 1000)
    items.commit()
    spoken(items, 500.5)
    items.commit()
    items.accepted("one")
    items.accepted("two")
    assert finals(items.completed("two", "Second.", None)) == []
    assert interims(items.grows("one", "Fi")) == [
        Token(" Fi", 0, 1000),
        Token(" Second.", 1000, 1500),
    ]
    events = items.completed("one", "First.", None)
    assert finals(events) == [Token(" First.", 0, 1000), Token(" Second.", 1000, 1500)]
    assert events.count(Finalized(all_heard=True)) == 2


def test_an_item_may_be_whole_before_it_is_known_whose_it_is() -> None:
    items = spoken(Items(), 1000)
    items.commit()
    assert items.completed("one", "First.", None) == []
    assert items.accepted("one") == [
        Heard([Token(" First.", 0, 1000)], []),
        Finalized(all_heard=True),
    ]


def test_what_is_said_meanwhile_stays_interim() -> None:
    items = spoken(Items(), 1000)
    items.commit()
    items.accepted("one")
    spoken(items, 300)
    items.grows("two", "And")
    events = items.completed("one", "First.", None)
    assert events[0] == Heard([Token(" First.", 0, 1000)], [Token(" And", 1000, 1300)])


def test_too_little_audio_is_an_answer_with_nothing_in_it() -> None:
    items = spoken(Items(), 1000)
    items.commit()
    items.accepted("one")
    spoken(items, 50)
    little = items.commit()
    assert items.refused(little) == []  # the first is not answered yet
    events = items.completed("one", "First.", None)
    assert events == [
        Heard([Token(" First.", 0, 1000)], []),
        Finalized(all_heard=True),
        Heard([], []),
        Finalized(),
    ]
    # Its audio is in the next one.
    spoken(items, 950)
    items.commit()
    items.accepted("two")
    assert finals(items.completed("two", "Second.", None)) == [Token(" Second.", 1000, 2000)]


def test_a_refusal_without_a_name_means_the_oldest() -> None:
    items = spoken(Items(), 10)
    items.commit()
    assert items.refused("another") == []
    assert items.refused(None) == [Heard([], []), Finalized()]
    assert items.refused(None) == []


def test_the_last_commit_ends_all() -> None:
    items = spoken(Items(), 1000)
    name = items.commit(last=True)
    items.accepted("one")
    assert items.completed("one", "", None) == [Heard([], []), Finished()]
    assert spoken(Items(), 10).commit(last=True) == name


def test_what_was_not_asked_for_changes_nothing() -> None:
    items = spoken(Items(), 1000)
    items.accepted("strange")
    assert items.completed("stranger", "What?", None) == []
    assert items.taken_ms == 0
    # What comes after the whole text is not in it.
    assert interims(items.grows("stranger", " No.")) == [Token(" What?", 0, 1000)]
