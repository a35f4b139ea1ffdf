from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from bot.campaign.display import print_campaigns, status_panel
from bot.campaign.status import Status

from .campaigns import MINUTE_MS, START_MS
from .test_status import status


def lines(shown: Status) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=200, markup=False, highlight=False).print(status_panel(shown))
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


def test_all_of_a_campaign_that_runs() -> None:
    shown = status(
        started_ms=START_MS - 60 * MINUTE_MS,
        waiting=60,
        done=40,
        attempts=50,
        outcomes={"no_answer": 10, "answered": 30, "failed": 0},
        contact_outcomes={"answered": 30, "canceled": 10},
        talked_s=3725,
        usd=1.234,
        next_due_ms=START_MS + MINUTE_MS,
        undelivered=2,
    )
    said = lines(replace(shown, warnings=("no worker\x1b is alive",)))
    assert said[0] == "Test (abcdefgh) running"
    assert said[2:-3] == [
        "contacts 100 in all, 60 waiting (0 due now), 0 live, 40 done",
        "calls 50 placed, 0.0 a minute lately",
        "calls ended answered 30, no answer 10",
        "contacts done answered 30, canceled 10",
        "taken by a person: 75% of the calls that are over",
        "talked 1 h 02 min",
        "cost $1.23, as far as it is known; without Twilio's minutes, of which minute_usd would say"
        " the price",
        "events 2 not delivered to the webhook yet",
    ]
    assert said[-3].startswith("next call not before 20")
    assert said[-3].endswith(", when the next contact is due")
    assert said[-2].startswith("done about 20")
    assert said[-1] == "warning: no worker� is alive"


def test_before_anybody_is_called_the_next_call_is_about_a_window() -> None:
    shown = status(next_due_ms=START_MS + MINUTE_MS, spec={"minute_usd": 0.01})
    said = lines(shown)
    assert said[-2].endswith(", when a window opens")
    assert "cost $0.00, as far as it is known" in said


def test_why_a_campaign_is_over() -> None:
    shown = status("canceled", waiting=0)
    campaign = replace(shown.campaign, reason="canceled by hand", started_ms=None, ended_ms=0)
    said = lines(replace(shown, campaign=campaign))
    assert said[1] == "reason canceled by hand"
    assert said[2].startswith("ended 19")


def test_a_name_does_not_control_the_terminal() -> None:
    shown = status()
    spec = shown.campaign.spec.model_copy(update={"name": "a\x1b[31mb"})
    campaign = replace(shown.campaign, spec=spec)
    assert "\x1b" not in lines(replace(shown, campaign=campaign))[0]
    text = io.StringIO()
    print_campaigns(Console(file=text, width=200), [campaign])
    assert "\x1b" not in text.getvalue()
