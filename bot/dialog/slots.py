"""Slots: what a caller may fill in (a day, a time, a number, yes or no, one of a list).

A slot knows its own vocabulary, for the recognizer; finds its values in free text; and says a
value so that a synthesizer reads it well. The vocabulary is English; a `ListSlot` brings its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from .script_words import clock_words, normalize, number_at, number_words, plain

__all__ = ["DaySlot", "Found", "ListSlot", "NumberSlot", "Slot", "TimeSlot", "YesNoSlot"]

Words = tuple[str, ...]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = (*WEEKDAYS, "today", "tomorrow")
YES = ("yes", "yeah", "yep", "yes please", "sure", "correct", "that's right", "that's correct")
# Nothing short that sounds like its opposite: "not correct" is taken for "that's right".
NO = ("no", "nope", "no thanks", "wrong", "that's wrong", "that's not right", "that's not correct")
PARTS_OF_DAY = {
    ("in", "the", "morning"): "a",
    ("in", "the", "afternoon"): "p",
    ("in", "the", "evening"): "p",
    ("at", "night"): "p",
}
DAY_MIN = 24 * 60
CLOCK = " o'clock"


@dataclass(frozen=True, slots=True)
class Found:
    """A value heard in the words `[start, end)` of a text."""

    value: str
    start: int
    end: int


class Slot(Protocol):
    """One kind of thing to fill in. Values are text, such as `friday` or `10:00`."""

    def vocabulary(self) -> Mapping[str, str]:
        """What may be said → the value it means."""

    def find(self, words: Words) -> list[Found]:
        """The values in normalized words (see `normalize`), in order."""

    def spoken(self, value: str) -> str:
        """`value` as a synthesizer should get it."""


@dataclass(frozen=True, slots=True)
class ListSlot:
    """One of a list. `values`: value → the ways to say it."""

    values: Mapping[str, tuple[str, ...]]

    def vocabulary(self) -> dict[str, str]:
        return {plain(phrase): value for value, said in self.values.items() for phrase in said}

    def find(self, words: Words) -> list[Found]:
        return list(_occurrences(words, self.vocabulary()))

    def spoken(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class DaySlot:
    """A day of the week, today or tomorrow; perhaps only some of them."""

    days: tuple[str, ...] = DAYS

    def vocabulary(self) -> dict[str, str]:
        return {day: day for day in self.days}

    def find(self, words: Words) -> list[Found]:
        return list(_occurrences(words, self.vocabulary()))

    def spoken(self, value: str) -> str:
        return value.capitalize() if value in WEEKDAYS else value


@dataclass(frozen=True, slots=True)
class YesNoSlot:
    """`yes` or `no`."""

    def vocabulary(self) -> dict[str, str]:
        return dict.fromkeys(YES, "yes") | dict.fromkeys(NO, "no")

    def find(self, words: Words) -> list[Found]:
        """In free text an answer comes first or last; "I know no doctor" is none."""
        found = list(_occurrences(words, self.vocabulary()))
        return [f for f in found if f.start == 0 or f.end == len(words)]

    def spoken(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class NumberSlot:
    """A whole number from `least` to `most`, in digits: `12`."""

    least: int
    most: int

    def vocabulary(self) -> dict[str, str]:
        return {number_words(n): str(n) for n in range(self.least, self.most + 1)}

    def find(self, words: Words) -> list[Found]:
        found = []
        at = 0
        while at < len(words):
            number = number_at(words, at)
            if number is None:
                at += 1
                continue
            value, end = number
            if self.least <= value <= self.most:
                found.append(Found(str(value), at, end))
            at = end
        return found

    def spoken(self, value: str) -> str:
        return value


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """A time of day on offer, as `HH:MM`: from `first_min` to `last_min` every `step_min`.

    Without "a m" or "p m" an hour means the one on offer: with 9:00 to 16:00, "three" is 15:00.
    """

    first_min: int = 0
    last_min: int = DAY_MIN - 1
    step_min: int = 30

    def vocabulary(self) -> dict[str, str]:
        said: dict[str, str] = {}
        for time_min in range(self.first_min, self.last_min + 1, self.step_min):
            for phrase in _ways_to_say(time_min):
                value = self._resolve(normalize(phrase))
                if value == _clock(time_min):
                    said.setdefault(phrase, value)
        return said

    def find(self, words: Words) -> list[Found]:
        """Times said as such ("ten thirty", "at ten"), or else a lone hour."""
        marked: list[Found] = []
        bare: list[Found] = []
        at = 0
        while at < len(words):
            time = _time_at(words, at)
            if time is None:
                at += 1
                continue
            value = self._offered(time)
            before = words[at - 1] if at else ""
            if value is not None and (time.marked or before in {"at", "around", "about"}):
                marked.append(Found(value, at, time.end))
            elif value is not None and words[at : time.end] != ("one",):  # "that one"
                bare.append(Found(value, at, time.end))
            at = time.end
        return marked or bare

    def spoken(self, value: str) -> str:
        hour, _, minute = value.partition(":")
        words = clock_words((int(hour) - 1) % 12 + 1, int(minute))
        if self._resolve(normalize(words)) == value:
            return words
        half = "a m" if int(hour) < 12 else "p m"
        return f"{words.removesuffix(CLOCK)} {half}"

    def _resolve(self, words: Words) -> str | None:
        time = _time_at(words, 0)
        return self._offered(time) if time is not None and time.end == len(words) else None

    def _offered(self, time: _Time) -> str | None:
        for time_min in time.readings:
            inside = self.first_min <= time_min <= self.last_min
            if inside and (time_min - self.first_min) % self.step_min == 0:
                return _clock(time_min)
        return None


@dataclass(frozen=True, slots=True)
class _Time:
    """A time in a text: what it can mean, likeliest first, and the index of the word behind it."""

    readings: tuple[int, ...]
    end: int
    marked: bool


def _time_at(words: Words, at: int) -> _Time | None:
    """The time of day that begins at word `at`, if there is one."""
    if words[at : at + 1] in {("noon",), ("midday",)}:
        return _Time((12 * 60,), at + 1, True)
    if words[at : at + 1] == ("midnight",):
        return _Time((0,), at + 1, True)
    parsed = _relative(words, at) or _absolute(words, at)
    if parsed is None:
        return None
    time_min, end, marked = parsed
    half, end_of_half = _half_of_day(words, end)
    hour = time_min // 60
    if half and hour <= 12:
        readings: tuple[int, ...] = (time_min % 720 + (720 if half == "p" else 0),)
    elif hour == 0 or hour > 12:
        readings = (time_min % DAY_MIN,)
    else:
        readings = (time_min, (time_min + 720) % DAY_MIN)
    return _Time(readings, end_of_half, marked or bool(half))


def _relative(words: Words, at: int) -> tuple[int, int, bool] | None:
    """ "half past ten", "a quarter to eleven", "twenty minutes past nine"."""
    if words[at : at + 1] == ("half",):
        offset, end = 30, at + 1
    elif words[at : at + 1] == ("quarter",):
        offset, end = 15, at + 1
    else:
        number = number_at(words, at)
        if number is None or number[0] not in {5, 10, 20, 25}:
            return None
        offset, end = number
        if words[end : end + 1] == ("minutes",):
            end += 1
    way = words[end : end + 1]
    hour = number_at(words, end + 1)
    if way not in {("past",), ("to",)} or hour is None or not 1 <= hour[0] <= 12:
        return None
    time_min = hour[0] * 60 + (offset if way == ("past",) else -offset)
    return time_min if time_min >= 60 else time_min + 720, hour[1], True


def _absolute(words: Words, at: int) -> tuple[int, int, bool] | None:
    """ "ten", "ten o'clock", "ten thirty", "ten oh five"."""
    hour = number_at(words, at)
    if hour is None or hour[0] > 23:
        return None
    end = hour[1]
    if words[end : end + 1] == ("o'clock",):
        return hour[0] * 60, end + 1, True
    oh = words[end : end + 1] in {("oh",), ("zero",)}
    minute = number_at(words, end + 1 if oh else end)
    if minute is not None and (minute[0] < 10 if oh else 10 <= minute[0] < 60):
        return hour[0] * 60 + minute[0], minute[1], True
    return hour[0] * 60, end, False


def _half_of_day(words: Words, at: int) -> tuple[str, int]:
    if words[at : at + 2] in {("a", "m"), ("p", "m")}:
        return words[at], at + 2
    if words[at : at + 1] in {("am",), ("pm",)}:
        return words[at][0], at + 1
    for phrase, half in PARTS_OF_DAY.items():
        if words[at : at + len(phrase)] == phrase:
            return half, at + len(phrase)
    return "", at


def _ways_to_say(time_min: int) -> Iterator[str]:
    hour, minute = divmod(time_min, 60)
    said_hour = number_words((hour - 1) % 12 + 1)
    half = "a m" if hour < 12 else "p m"
    if minute == 0:
        yield said_hour
        yield f"{said_hour} o'clock"
        yield f"{said_hour} {half}"
        if hour == 12:
            yield "noon"
        return
    clock = clock_words((hour - 1) % 12 + 1, minute)
    yield clock
    yield f"{clock} {half}"
    if minute == 30:
        yield f"half past {said_hour}"


def _clock(time_min: int) -> str:
    return f"{time_min // 60:02}:{time_min % 60:02}"


def _occurrences(words: Words, vocabulary: Mapping[str, str]) -> Iterator[Found]:
    """Where the vocabulary is said, the longest phrase first at each place, none overlapping."""
    said = _longest_first(tuple(vocabulary.items()))
    at = 0
    while at < len(words):
        for phrase, value in said:
            if words[at : at + len(phrase)] == phrase:
                yield Found(value, at, at + len(phrase))
                at += len(phrase)
                break
        else:
            at += 1


@lru_cache(maxsize=256)
def _longest_first(vocabulary: tuple[tuple[str, str], ...]) -> list[tuple[Words, str]]:
    return sorted(((normalize(p), v) for p, v in vocabulary), key=lambda said: -len(said[0]))
