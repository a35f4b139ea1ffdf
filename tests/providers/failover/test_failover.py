"""The short form of the proof; `python -m tests.providers.failover` is the long one."""

from __future__ import annotations

import itertools
import random

import pytest

from providers.catalog import STT
from providers.stt.backlog import Backlog
from providers.types import SttCapabilities
from tests.providers.conformance.reach import LOCAL
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .match import Result, match
from .parties import names
from .places import APART_MS, any_places, places

SENTENCES = (
    "My name is Angela Winterbottom, and I have a question.",
    "I was asleep, as anybody would be.",
    "Please give me my money back!",
)


@pytest.fixture(scope="module")
def script() -> Script:
    return computed_script(SENTENCES, pause_ms=2_500)


def test_recognizers_are_killed_in_words_behind_them_and_in_pauses(script: Script) -> None:
    first, behind, second, pause = places(script, 4)
    spans = [(word.start_ms, word.end_ms) for word in script.words]
    assert all(any(start < at < end for start, end in spans) for at in (first, second))
    assert any(end < behind <= end + 100 for _, end in spans)
    assert not any(start - 500 < pause < end + 200 for start, end in spans)


def _match(pair: tuple[str, str], script: Script, times: int) -> Result:
    results: list[Result] = []

    @virtual_time_on_sockets
    async def run() -> None:
        results.append(await match(pair, script, places(script, times)))

    run()
    return results[0]


def pairs() -> list[tuple[str, str]]:
    """Each recognizer fails and takes over, one from itself; the long form has every two."""
    first = names()[0]
    return [(first, first), *itertools.pairwise([*names(), first])]


@pytest.mark.parametrize("pair", pairs())
def test_no_word_is_lost_or_doubled(script: Script, pair: tuple[str, str]) -> None:
    result = _match(pair, script, 3)
    assert result.whole, str(result)
    assert result.switches == 3


@pytest.mark.parametrize("pair", [("soniox", "deepgram")])
def test_who_never_pauses_is_understood_whole(pair: tuple[str, str]) -> None:
    """For longer than the audio is kept: what was final before a loss counts."""
    monologue = computed_script([" ".join(SENTENCES * 4)], pause_ms=600)
    assert len(monologue.audio) / 8_000 > 30
    result = _match(pair, monologue, 3)
    assert result.whole, str(result)


def test_a_relay_that_replays_nothing_is_found_out(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Backlog.opened

    def forgetful(self: Backlog, wants: SttCapabilities) -> float:
        self._forget(self._end)
        return opened(self, wants)

    monkeypatch.setattr(Backlog, "opened", forgetful)
    assert not _match(("soniox", "soniox"), script, 2).whole


def test_a_relay_that_replays_too_much_is_found_out(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backlog, "understood", lambda self, event: None)
    assert not _match(("soniox", "soniox"), script, 2).whole


def test_every_recognizer_with_a_stand_in_may_take_part() -> None:
    assert {"deepgram", "deepgram-flux", "soniox"} < {*names()} == {*STT} - LOCAL


def test_places_anywhere_are_far_enough_from_one_another(script: Script) -> None:
    at_ms = any_places(script, 4, random.Random(1))
    assert all(after - before >= APART_MS for before, after in itertools.pairwise(at_ms))
    assert 0 <= at_ms[0] < at_ms[-1] < script.format.duration_ms(len(script.audio))
