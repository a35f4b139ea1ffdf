"""What is asked of Twilio for an attempt, and what its refusals mean."""

from __future__ import annotations

from typing import Any

import pytest

from bot.campaign.placing import PAUSED, Fate, Refusal, judge, parameters
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import Attempt
from bot.telephony.address import Address
from bot.telephony.rest_errors import (
    RestBusy,
    RestDenied,
    RestError,
    RestUnavailable,
    RestUnreached,
    RestWithdrawn,
)

ID = "0123456789abcdef0123"
ATTEMPT = Attempt(ID, "abcd1234", "+15552220000", "+15551110000")
ADDRESS = Address("https://bot.example.com/parley")
AT = "https://bot.example.com/parley/twilio"
AGAIN = "#rc=2&rp=all&rt=4000"


def asked(**fields: Any) -> dict[str, Any]:
    spec = CampaignSpec(name="Autumn", from_numbers=("+15551110000",), **fields)
    return parameters(spec, ATTEMPT, ADDRESS)


def test_every_url_of_a_call_has_the_attempt() -> None:
    assert asked(ring_timeout_s=25, time_limit_s=600) == {
        "to": "+15552220000",
        "from_": "+15551110000",
        "url": f"{AT}/voice?attempt={ID}{AGAIN}",
        "method": "POST",
        "status_callback": f"{AT}/status?attempt={ID}{AGAIN}",
        "status_callback_event": ["initiated", "ringing", "answered", "completed"],
        "status_callback_method": "POST",
        "timeout": 25,
        "time_limit": 600,
    }


def test_a_recording_keeps_both_sides_apart() -> None:
    recorded = asked(record=True)
    assert (recorded["record"], recorded["recording_channels"]) == (True, "dual")
    assert "record" not in asked()


@pytest.mark.parametrize(
    ("fields", "detection"),
    [
        ({"machine_detection": "sync"}, "Enable"),
        ({"machine_detection": "async", "voicemail": "talk"}, "Enable"),
        ({"machine_detection": "sync", "voicemail": "leave_message"}, "DetectMessageEnd"),
        (
            {
                "machine_detection": "async",
                "voicemail": "leave_message",
                "message_after": "twilio",
            },
            "DetectMessageEnd",
        ),
        (
            {
                "machine_detection": "async",
                "voicemail": "leave_message",
                "message_after": "stream",
            },
            "Enable",
        ),
    ],
)
def test_twilio_waits_for_a_greetings_end_where_it_is_to_say_when_that_is(
    fields: dict[str, str], detection: str
) -> None:
    wanted = asked(message="Call us back.", **fields)
    assert wanted["machine_detection"] == detection
    is_async = fields["machine_detection"] == "async"
    assert wanted.get("async_amd") == ("true" if is_async else None)
    url = f"{AT}/amd?attempt={ID}{AGAIN}"
    assert wanted.get("async_amd_status_callback") == (url if is_async else None)


@pytest.mark.parametrize(
    ("error", "fate", "backs_off"),
    [
        (RestWithdrawn("late"), "later", False),
        (RestUnreached("nobody there"), "later", True),
        (RestUnavailable("no answer"), "unknown", True),
        (RestUnavailable("500", status=500, code=20500), "unknown", True),
        (RestBusy("429", status=429, code=20429), "later", True),
        (RestError("closed"), "later", True),
        (RestDenied("401", status=401, code=20003), "paused", False),
        (RestDenied("403", status=403), "paused", False),
        (RestError("404", status=404), "paused", False),
        (RestError("400", status=400, code=21211), "refused", False),
        (RestError("400", status=400, code=21214), "refused", False),
        (RestError("400", status=400, code=21217), "refused", False),
        (RestError("400", status=400, code=13226), "refused", False),
        (RestError("400", status=400, code=13224), "failed", False),
        (RestError("400", status=400, code=21202), "refused", False),
        (RestDenied("403", status=403, code=21215), "failed", False),
        (RestError("400", status=400, code=21216), "failed", False),
        (RestError("400", status=400, code=10004), "later", True),
        (RestError("400", status=400, code=99999), "failed", False),
        (RestError("400", status=400), "failed", False),
        *(
            (RestError("400", status=400, code=code), "paused", False)
            for code in (10001, 20005, 21205, 21210, 21212, 21213, 21219, 573005)
        ),
    ],
)
def test_what_becomes_of_an_attempt(error: RestError, fate: Fate, backs_off: bool) -> None:
    refusal = judge(error, ATTEMPT)
    assert (refusal.fate, refusal.back_off) == (fate, backs_off)
    assert refusal.reason


@pytest.mark.parametrize("code", PAUSED)
def test_who_reads_why_it_is_paused_knows_what_to_change(code: int) -> None:
    reason = judge(RestError("400", status=400, code=code), ATTEMPT).reason
    assert reason.endswith(f"(Twilio's error {code})")
    assert {":", ","} & set(reason)
    if code in {21210, 21212}:
        assert "+15551110000" in reason
        assert "from_numbers" in reason


def test_what_twilio_says_of_the_called_number_is_not_handed_on() -> None:
    said = f"Twilio answered POST /2010-04-01/Accounts/AC{'0' * 32}/Calls.json: +15552220000"
    for code, named in ((29999, "Twilio's error 29999"), (None, "HTTP 400")):
        refusal = judge(RestError(said, status=400, code=code), ATTEMPT)
        assert refusal == Refusal("failed", f"Twilio refused the call ({named})")
