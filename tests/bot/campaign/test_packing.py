"""How the store writes campaigns, contacts and attempts, and reads them again."""

from __future__ import annotations

import pytest

from bot.campaign.packing import flattened, gap_ms, pack, read_attempt, read_contact
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import Attempt, Contact, NewContact, Plan

PLAN = Plan(1_795_248_000_000, 1_795_251_600_000, "2026-11-21")


@pytest.mark.parametrize("rate", [0.001, 0.3, 1, 3, 7, 300, 1000])
def test_the_gap_between_calls_is_no_shorter_than_their_rate_allows(rate: float) -> None:
    gap = gap_ms(rate)
    assert gap is not None
    assert 0 <= gap - 1000 / rate < 0.0011


def test_no_rate_has_no_gap() -> None:
    assert gap_ms(None) is None


def test_scripts_are_told_what_they_ask_of_a_campaign() -> None:
    spec = CampaignSpec(name="x", from_numbers=("+15550001111", "+15550002222"), breaker=3)
    assert flattened(spec) == {
        "max": 10,
        "breaker": 3,
        "from": "+15550001111 +15550002222",
        "local": 1,
        "hook": 0,
    }
    full = CampaignSpec.model_validate(
        {
            "name": "x",
            "from_numbers": ["+15550001111"],
            "caller_id": "rotate",
            "calls_per_second": 2,
            "starts_at": "2026-11-21T08:00:00Z",
            "ends_at": "2026-11-21T09:00:00+00:00",
            "webhook_url": "https://example.com",
        }
    )
    fields = flattened(full)
    assert (fields["gap"], fields["local"], fields["hook"]) == (500.0, 0, 1)
    assert (fields["starts"], fields["ends"]) == (PLAN.due_ms, PLAN.until_ms)


def test_a_contact_is_read_as_it_was_written() -> None:
    new = NewContact("+15551000000", ("UTC", "Europe/Rome"), "a|b\nc", "it", {"d|e": "\n"})
    assert read_contact(new.number, pack(new, PLAN)) == Contact(
        new.number, new.zones, "a|b\nc", "it", {"d|e": "\n"}, plan=PLAN
    )


def test_what_scripts_have_changed_of_a_contact_is_read() -> None:
    rest = b'[["UTC"],"","",{}]'
    live = read_contact("+15551000000", b"l|3|2|2026-11-21|a1|busy|no_answer=1,busy=2|||\n" + rest)
    assert (live.state, live.attempts, live.today, live.day) == ("live", 3, 2, "2026-11-21")
    assert (live.attempt, live.outcome, live.plan) == ("a1", "busy", None)
    assert live.retries == {"no_answer": 1, "busy": 2}
    done = read_contact("+15551000000", b"d|0|0|||expired||||\n" + rest)
    assert (done.state, done.outcome, done.retries) == ("done", "expired", {})


def test_an_attempt_is_read_with_what_is_known_of_it() -> None:
    fields = {
        "id": "a1",
        "campaign": "abcd2345",
        "number": "+15551000000",
        "from_number": "+15550001111",
        "token": "2",
        "day": "2026-11-21",
        "usd": "0.25",
        "of_another_version": "1",
    }
    assert read_attempt(fields.items()) == Attempt(
        "a1", "abcd2345", "+15551000000", "+15550001111", token=2, usd=0.25
    )
