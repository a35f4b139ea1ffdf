"""What became of a call, from all that is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.campaign.outcome import (
    LONGEST_UNHEARD_S,
    NO_DIALOG,
    UNHEARD,
    UNKNOWN,
    Verdict,
    cost_usd,
    decide_outcome,
)
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import Attempt
from bot.dialog import Ended
from bot.record import Record

CALLER = Ended("caller", "hung up")
BOT = Ended("bot", "script")
GIVEN = {"result": {"coming": "yes"}}
MACHINE = {"answered_by": "machine_start"}


def spec(**values: Any) -> CampaignSpec:
    return CampaignSpec.model_validate({"name": "Test", "from_numbers": ["+15550001111"], **values})


def attempt(status: str = "completed", **values: Any) -> Attempt:
    values = {"duration_s": 60, **values}
    return Attempt("a" * 20, "c1", "+15551000001", "+15550001111", status=status, **values)


def record(ended: Ended | None = CALLER, **values: Any) -> Record:
    values = {"answered_ms": 1_000, "ended_ms": 61_000, "turns": 1, **values}
    return Record("CA1", direction="outbound", ended=ended, **values)


LONG: dict[str, Any] = {"duration_s": LONGEST_UNHEARD_S + 1}
UNSEEN = record(answered_ms=None, turns=0)
TRANSFER_FAILED = record(Ended("bot", "transfer failed: busy"), answered_ms=None, turns=0)


@pytest.mark.parametrize(
    ("call", "kept", "verdict"),
    [
        (attempt("busy"), None, Verdict("busy")),
        (attempt("no-answer"), None, Verdict("no_answer")),
        (attempt("failed", reason="SIP 503"), None, Verdict("failed", "SIP 503")),
        (attempt("canceled"), None, Verdict("no_answer", "taken back at Twilio")),
        (attempt("canceled", unwanted=True), None, Verdict("do_not_call")),
        (attempt("no-answer", unwanted=True), None, Verdict("do_not_call")),
        (attempt("canceled", unwanted=True, talked="no_consent"), None, Verdict("no_consent")),
        (attempt(talked="no_consent"), record(), Verdict("answered")),
        # A conversation, whoever has ended it.
        (attempt(), record(), Verdict("answered")),
        (attempt(), record(BOT), Verdict("answered")),
        (attempt(duration_s=3), record(BOT), Verdict("answered")),
        (attempt(), record(Ended("unknown", "no stream")), Verdict("answered")),
        (attempt(duration_s=9), record(turns=2), Verdict("answered")),
        (attempt(duration_s=9), record(state={"result": {"coming": "yes"}}), Verdict("answered")),
        # Too short to be one.
        (attempt(duration_s=9), record(state={"result": {}}), Verdict("hung_up_early")),
        (attempt(duration_s=10), record(), Verdict("hung_up_early")),
        (attempt(duration_s=11), record(), Verdict("answered")),
        # Our webhook was away: they heard nothing of us.
        (attempt(), None, Verdict("failed", UNHEARD, silent=True)),
        (attempt(duration_s=0), None, Verdict("failed", UNHEARD, silent=True)),
        (attempt(duration_s=None), None, Verdict("failed", UNHEARD, silent=True)),
        (attempt(), UNSEEN, Verdict("failed", UNHEARD, silent=True)),
        (attempt(**LONG), TRANSFER_FAILED, Verdict("failed", "transfer failed: busy", silent=True)),
        # A worker that cannot reach Redis talks to people too: nobody is silent for so long.
        (attempt(**LONG), None, Verdict("answered", UNKNOWN)),
        (attempt(**LONG), UNSEEN, Verdict("answered", UNKNOWN)),
        # An agent talked to them, though we did not.
        (
            attempt(),
            record(Ended("bot", "transferred"), answered_ms=None, turns=0),
            Verdict("answered"),
        ),
        # Twilio has lost the call since, or its owner has had it deleted.
        (attempt("failed", reason="gone"), record(turns=6), Verdict("answered")),
        (attempt("canceled"), record(), Verdict("answered")),
        # Keys are an answer too.
        (attempt(), record(Ended("bot", "idle"), turns=0, state=GIVEN), Verdict("answered")),
        (attempt(**MACHINE), record(turns=0, state=GIVEN), Verdict("answered")),
        # And who gave one need not give it again for our fault.
        (attempt(), record(Ended("error", "stream refused"), turns=6), Verdict("answered")),
        (attempt(duration_s=None), record(ended_ms=5_000), Verdict("hung_up_early")),
        (attempt(duration_s=None), record(), Verdict("answered")),
        (attempt(duration_s=None), record(ended_ms=None), Verdict("hung_up_early")),
        (
            attempt(),
            record(Ended("bot", "idle"), turns=0),
            Verdict("hung_up_early", "nobody spoke"),
        ),
        (attempt(), record(Ended("bot", "idle")), Verdict("answered")),
        # We could not.
        (attempt(), record(Ended("error", "no capacity")), Verdict("failed", "no capacity")),
        (attempt(), record(Ended("bot", NO_DIALOG)), Verdict("failed", NO_DIALOG)),
        # They were turned away when the worker, which Redis had left alone, knew better.
        (
            attempt(),
            record(Ended("bot", "the attempt was given up"), turns=0),
            Verdict("failed", "the attempt was given up", silent=True),
        ),
        # But who was turned away in a second stream had talked in the first.
        (attempt(), record(Ended("bot", "the attempt was given up"), turns=6), Verdict("answered")),
        (attempt(), record(Ended("caller", "campaign canceled")), Verdict("answered")),
        # They asked for something.
        (attempt(duration_s=3), record(call_back_s=600), Verdict("callback")),
        (attempt(), record(do_not_call=True, call_back_s=600), Verdict("do_not_call")),
        (attempt("no-answer"), record(do_not_call=True), Verdict("do_not_call")),
        # Nobody was there.
        (attempt(**MACHINE), record(turns=0), Verdict("voicemail")),
        (attempt(), record(answered_by="machine_end_beep"), Verdict("voicemail")),
        (attempt(**MACHINE), None, Verdict("voicemail")),
        (attempt(), record(Ended("bot", "voicemail"), turns=5), Verdict("voicemail")),
        (attempt(), record(Ended("caller", "voicemail")), Verdict("answered")),
        (attempt(), record(voicemail="waiting"), Verdict("voicemail")),
        (attempt(), record(voicemail="message", turns=4), Verdict("voicemail")),
        (attempt(**MACHINE), record(message_left=True), Verdict("message_left")),
        (attempt(answered_by="fax"), None, Verdict("fax")),
        (attempt(), record(Ended("bot", "fax")), Verdict("fax")),
        (attempt(answered_by="human"), record(), Verdict("answered")),
        # A verdict that a conversation has proved wrong.
        (attempt(**MACHINE), record(turns=2), Verdict("answered")),
    ],
)
def test_an_outcome(call: Attempt, kept: Record | None, verdict: Verdict) -> None:
    assert decide_outcome(spec(), call, kept) == verdict


def test_who_talks_to_machines_takes_them_for_people() -> None:
    assert (
        decide_outcome(spec(voicemail="talk"), attempt(**MACHINE), record()).outcome == "answered"
    )


def test_a_canceled_campaign_has_no_calls_that_nobody_heard() -> None:
    def outcome(call: Attempt, kept: Record | None) -> str:
        return decide_outcome(spec(), call, kept, canceled=True).outcome

    assert outcome(attempt("canceled"), None) == "canceled"
    assert outcome(attempt(duration_s=1), None) == "canceled"
    assert outcome(attempt(), record(answered_ms=None)) == "canceled"
    assert outcome(attempt(), record(Ended("bot", "campaign canceled"), turns=0)) == "canceled"
    assert outcome(attempt(), record(Ended("bot", "campaign canceled"), turns=6)) == "answered"
    assert outcome(attempt(), record()) == "answered"


@pytest.mark.parametrize(
    ("minute_usd", "call", "kept", "usd"),
    [
        (None, attempt(), None, None),
        (None, attempt(minutes=2), record(usage={"stt:echo": {"amount": 5.0}}), None),
        (0.01, attempt(minutes=2), None, 0.02),
        (0.01, attempt(duration_s=61), None, 0.02),
        (0.01, attempt("busy", duration_s=0), None, 0.0),
        (
            0.01,
            attempt(minutes=1),
            record(usage={"stt:a": {"usd": 0.5}, "tts:b": {"usd": 0.25}, "tts:c": {"amount": 1}}),
            0.76,
        ),
    ],
)
def test_what_a_call_costs(
    minute_usd: float | None, call: Attempt, kept: Record | None, usd: float | None
) -> None:
    cost = cost_usd(spec(minute_usd=minute_usd), call, kept)
    assert cost == (None if usd is None else pytest.approx(usd))
