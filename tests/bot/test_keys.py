from __future__ import annotations

from bot.dialog import Gather
from bot.keys import MAX_KEYS, Keys


def press(keys: Keys, digits: str, now_ms: float = 0) -> list[str]:
    return [done for digit in digits if (done := keys.press(digit, now_ms)) is not None]


def test_a_key_by_itself() -> None:
    assert press(Keys(), "1#") == ["1", "#"]


def test_a_number_of_keys() -> None:
    keys = Keys()
    keys.gather(Gather(digits=4))
    assert press(keys, "12345") == ["1234", "5"]


def test_the_finishing_key_is_not_part_of_it() -> None:
    keys = Keys()
    keys.gather(Gather())
    assert press(keys, "12#3") == ["12", "3"]


def test_a_pause_completes_what_there_is() -> None:
    keys = Keys()
    keys.gather(Gather(timeout_s=2))
    assert keys.deadline_ms is None
    assert press(keys, "7", 1_000) == []
    assert keys.deadline_ms == 3_000
    assert keys.tick(2_999) is None
    assert keys.tick(3_000) == "7"
    assert keys.deadline_ms is None
    assert keys.tick(9_000) is None


def test_a_new_gather_forgets_the_old_one() -> None:
    keys = Keys()
    keys.gather(Gather(digits=3))
    press(keys, "12")
    keys.gather(Gather(digits=2))
    assert press(keys, "34") == ["34"]


def test_a_gather_that_goes_on_in_another_stream() -> None:
    earlier = Keys()
    earlier.gather(Gather(timeout_s=2))
    press(earlier, "12", 1_000)
    keys = Keys(earlier.gathering, 5_000)
    assert keys.tick(6_999) is None
    assert press(keys, "3", 6_999) == []
    assert keys.tick(8_999) == "123"
    assert keys.gathering is None


def test_a_gather_of_which_nothing_was_pressed_waits_for_ever() -> None:
    earlier = Keys()
    earlier.gather(Gather(digits=1))
    keys = Keys(earlier.gathering, 5_000)
    assert keys.deadline_ms is None
    assert press(keys, "7") == ["7"]


def test_what_is_forgotten_is_not_waited_for() -> None:
    keys = Keys()
    keys.gather(Gather(digits=3))
    press(keys, "12")
    keys.forget()
    assert keys.deadline_ms is None
    assert press(keys, "7") == ["7"]


def test_endless_keys_are_bounded() -> None:
    keys = Keys()
    keys.gather(Gather())
    assert press(keys, "1" * MAX_KEYS) == ["1" * MAX_KEYS]
