"""What a live call is told by REST, and what is left to be done when it cannot be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import fromstring

import pytest
from structlog.testing import capture_logs

from bot.dialog.types import Hangup
from bot.record import Record
from bot.telephony.answers import Answers
from bot.telephony.orders import Orders
from bot.telephony.pending import Move
from bot.telephony.rest import TwilioRest
from tests.bot import reachable
from tests.bot.reachable import SID, Twilio

from .deployment import settings, tags

RECORD = Record(SID, reachable.ACCOUNT, generation=3)


@pytest.fixture
async def twilio() -> AsyncIterator[Twilio]:
    async with reachable.twilio() as twilio:
        yield twilio


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(settings(tmp_path), lambda: 1_700_000_000.0)


async def test_a_call_that_is_told_does_it_at_once(twilio: Twilio, answers: Answers) -> None:
    assert await Orders(twilio.rest, answers).try_to_give(RECORD, Move())
    document = cast(str, await twilio.followed.get())
    assert tags(list(fromstring(document))) == ["Connect", "Redirect"]


async def test_nothing_is_left_to_be_done_with_a_call_that_is_over(
    twilio: Twilio, answers: Answers
) -> None:
    orders = Orders(twilio.rest, answers)
    assert await orders.try_to_give(RECORD, Hangup("done"))
    assert twilio.call.status == "completed"
    assert await orders.try_to_give(RECORD, Move())


async def test_twilio_refuses(twilio: Twilio, answers: Answers) -> None:
    rest = TwilioRest(reachable.ACCOUNT, "wrong", api_url=twilio.url)
    with capture_logs() as logs:
        assert not await Orders(rest, answers).try_to_give(RECORD, Hangup("done"))
    await rest.aclose()
    assert [(entry["event"], entry["call_sid"]) for entry in logs] == [
        ("Twilio was not reached", SID)
    ]
    assert twilio.call.status == "in-progress"
