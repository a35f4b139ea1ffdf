from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from providers.errors import AuthenticationError, NetworkError, UnsupportedError
from providers.fallback import Candidate, Fallback
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time


def candidates(*names: str) -> list[Candidate[Recognizer]]:
    return [Candidate(name, Recognizer(name=name)) for name in names]


def ranked(fallback: Fallback[Recognizer]) -> list[str]:
    return [candidate.name for candidate in fallback.ranked()]


def test_one_provider_alone() -> None:
    fallback = Fallback.alone(Recognizer(name="one"))
    assert fallback.name == "one"
    assert ranked(fallback) == ["one"]
    with pytest.raises(ValueError, match="no provider"):
        Fallback([])


def test_who_suits_is_ranked_as_preferred() -> None:
    fallback = Fallback(candidates("one", "two", "three"))
    assert fallback.name == "one,two,three"
    assert [c.name for c in fallback.ranked(lambda stt: stt.name != "one")] == ["two", "three"]


@virtual_time
async def test_those_that_rest_come_last() -> None:
    one, two, three = candidates("one", "two", "three")
    fallback = Fallback([one, two, three])
    one.failed(AuthenticationError("one", "wrong key"))
    two.failed(NetworkError("two", "lost"))
    # Last of all who rests longest.
    assert ranked(fallback) == ["three", "two", "one"]
    # What one bot found out of a provider is known to the others.
    assert ranked(Fallback([two, one, three])) == ["three", "two", "one"]


@virtual_time
async def test_what_is_new_is_logged_once_and_loudly_when_somebody_has_to_act() -> None:
    [one] = candidates("one")
    with capture_logs() as logs:
        for _ in range(3):
            one.failed(NetworkError("one", "lost"))
        for _ in range(3):
            one.failed(AuthenticationError("one", "wrong key", hint="check it"))
        one.succeeded(2_000.0)
        one.fell_ill(UnsupportedError("one", "no such model"))
    assert [(entry["log_level"], entry["provider"]) for entry in logs] == [
        ("warning", "one"),
        ("error", "one"),
        ("info", "one"),
        ("error", "one"),
    ]
    assert logs[1]["error"] == "one: wrong key; check it"
