"""What a webhook's fragment says."""

from __future__ import annotations

import pytest

from bot.phone.overrides import Failure, Overrides
from bot.phone.twiml import TwimlError

URL = "https://bot.example.com/twilio/next?x=1"


@pytest.mark.parametrize(
    ("fragment", "read_ms", "total_ms", "retries", "policy"),
    [
        ("", 15_000, 15_000, 1, {"ct"}),
        ("#rc=2&rp=all&rt=4000", 4_000, 15_000, 2, {"all"}),
        ("#rp=4xx,rt&tt=50", 15_000, 100, 1, {"4xx", "rt"}),
        ("#rc=9&rt=99999", 15_000, 15_000, 5, {"ct"}),
        ("#rc=many&rt=soon", 15_000, 15_000, 1, {"ct"}),
    ],
)
def test_what_it_says(
    fragment: str, read_ms: int, total_ms: int, retries: int, policy: set[str]
) -> None:
    assert Overrides.of(URL + fragment) == Overrides(read_ms, total_ms, retries, frozenset(policy))


def test_a_policy_that_is_none() -> None:
    with pytest.raises(TwimlError, match=r"11243.*'sometimes'"):
        Overrides.of(f"{URL}#rp=sometimes")


@pytest.mark.parametrize(
    ("policy", "failures"), [("ct", ["ct"]), ("rt,5xx", ["rt", "5xx"]), ("all", ["ct", "4xx"])]
)
def test_what_it_is_asked_again_after(policy: str, failures: list[str]) -> None:
    overrides = Overrides.of(f"{URL}#rp={policy}")
    kinds: tuple[Failure, ...] = ("ct", "rt", "4xx", "5xx")
    asked = [kind for kind in kinds if overrides.retry_after(kind)]
    assert set(failures) <= set(asked)
    assert policy == "all" or asked == failures
