from __future__ import annotations

import pytest

from providers.errors import MissingKeyError, UnsupportedError
from providers.facts import Facts
from providers.select import Choice, Wish, choose

FACTS = {
    "exact": Facts(usd_per_minute=0.02, quality=90, latency_ms=500),
    "cheap": Facts(usd_per_minute=0.002, quality=70, latency_ms=400, free=True),
    "quick": Facts(usd_per_minute=0.01, quality=80, latency_ms=100),
    "secret": Facts(quality=60, latency_ms=900),
    "here": Facts(usd_per_minute=0.0, quality=20, latency_ms=10, free=True, general=False),
}


def chosen(
    wish: Wish, configured: str = "exact cheap quick secret here", **measured_ms: float
) -> tuple[str, ...]:
    return answer(wish, configured, **measured_ms).names


def answer(wish: Wish, configured: str, **measured_ms: float) -> Choice:
    there = configured.split()
    return choose(
        wish,
        known=list(FACTS),
        missing=lambda name: None if name in there else f"set {name.upper()}_API_KEY",
        facts=FACTS.__getitem__,
        measured_ms=measured_ms,
    )


def test_what_is_named_is_used_and_nothing_else() -> None:
    wish = Wish(explicit=("quick", "exact"), preferred=("cheap",), goal="cost", prefer_free=True)
    assert chosen(wish) == ("quick", "exact")


def test_what_is_named_must_be_configured() -> None:
    with pytest.raises(MissingKeyError, match="EXACT_API_KEY") as caught:
        chosen(Wish(explicit=("quick", "exact")), "quick")
    assert caught.value.provider == "exact"


@pytest.mark.parametrize("wish", [Wish(explicit=("nobody",)), Wish(preferred=("nobody",))])
def test_nobody_is_called_that(wish: Wish) -> None:
    with pytest.raises(UnsupportedError, match="cheap, exact, here, quick, secret"):
        chosen(wish)


def test_what_is_preferred_is_used_if_it_is_configured() -> None:
    wish = Wish(preferred=("secret", "quick", "cheap"), goal="quality")
    assert chosen(wish) == ("secret", "quick", "cheap")
    assert chosen(wish, "exact cheap quick") == ("quick", "cheap")
    assert chosen(wish, "exact here") == ("exact",)


def test_else_the_first_that_is_configured() -> None:
    assert chosen(Wish()) == ("exact",)
    assert chosen(Wish(), "quick cheap") == ("cheap",)
    assert chosen(Wish(prefer_free=True)) == ("cheap",)


def test_what_serves_for_want_of_better_is_used_for_want_of_better() -> None:
    assert chosen(Wish(goal="cost"), "here exact") == ("exact",)
    assert chosen(Wish(goal="cost"), "here") == ("here",)
    assert chosen(Wish(), "here") == ("here",)


def test_the_best_for_a_goal() -> None:
    assert chosen(Wish(goal="quality")) == ("exact", "quick", "cheap", "secret")
    # Nobody knows what the last one costs.
    assert chosen(Wish(goal="cost")) == ("cheap", "quick", "exact", "secret")
    assert chosen(Wish(goal="latency")) == ("quick", "cheap", "exact", "secret")
    # Second, second, first; third, first, second; first, third, third.
    assert chosen(Wish(goal="balanced")) == ("quick", "cheap", "exact", "secret")


def test_what_was_measured_counts_more_than_what_was_read() -> None:
    wish = Wish(goal="latency")
    assert answer(wish, "exact cheap quick", quick=450.0).names == ("cheap", "quick", "exact")
    assert answer(wish, "exact cheap quick", exact=50.0).names == ("exact", "quick", "cheap")


def test_what_is_free_may_come_first() -> None:
    wish = Wish(goal="quality", prefer_free=True)
    assert chosen(wish) == ("cheap", "exact", "quick", "secret")


def test_nothing_is_configured() -> None:
    with pytest.raises(MissingKeyError, match="QUICK_API_KEY"):
        chosen(Wish(goal="quality"), "")


def test_why_is_said() -> None:
    assert answer(Wish(goal="cost"), "exact").reason == "the best for cost"
    assert answer(Wish(), "exact").reason == "the first that is configured"
