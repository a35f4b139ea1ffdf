"""What a live call is told by REST."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, fromstring

import pytest
from structlog.testing import capture_logs

from bot.dialog.types import Hangup, SendDigits, Transfer
from bot.record import Record
from bot.telephony.answers import Answers
from bot.telephony.decision import MAX_WAITS, Apologize, Connect
from bot.telephony.identity import CallIdentity
from bot.telephony.pending import Leaving, Move, SayByTwilio
from bot.telephony.token import TTL_S, derive_key, verify
from bot.telephony.twiml import INLINE_LIMIT

from .deployment import ACCOUNT, AUTH_TOKEN, CALL, NEXT_URL, parameters, settings, tags

NOW_S = 1_700_000_000.0
RECORD = Record(
    CALL,
    ACCOUNT,
    from_number="+15550001111",
    to_number="+15551234567",
    language="de-DE",
    generation=3,
    parameters={"order": "42"},
)


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(settings(tmp_path, apology="Pardon?"), lambda: NOW_S)


def verbs(answers: Answers, action: Leaving, record: Record = RECORD) -> list[Element]:
    document = answers.inline(record, action)
    assert len(document) <= INLINE_LIMIT
    return list(fromstring(document))


def test_a_call_is_hung_up(answers: Answers) -> None:
    assert tags(verbs(answers, Hangup("done"))) == ["Hangup"]


@pytest.mark.parametrize(("direction", "tag"), [("inbound", "Dial"), ("outbound", "Hangup")])
def test_whom_we_have_called_is_put_through_to_nobody_while_redis_is_away(
    tmp_path: Path, direction: Literal["inbound", "outbound"], tag: str
) -> None:
    answers = Answers(settings(tmp_path, fallback_number="+15550009999"), lambda: NOW_S)
    call = CallIdentity(CALL, ACCOUNT, "+15550001111", "+15551234567", direction)
    answer = answers.render(Apologize(MAX_WAITS + 1), call, None)
    assert tags(list(fromstring(answer.document)))[-1] == tag
    assert (answer.ended is None) is (tag == "Dial")


def test_a_transferred_call_asks_next(answers: Answers) -> None:
    (dial,) = verbs(answers, Transfer("+15559990000", "+15551234567"))
    assert (dial[0].text, dial.attrib["action"]) == ("+15559990000", NEXT_URL)
    assert dial.attrib["callerId"] == "+15551234567"


@pytest.mark.parametrize(
    ("action", "first"),
    [(Move(), []), (SendDigits("1w2"), ["Play"]), (SayByTwilio("Hm."), ["Say"])],
)
def test_a_call_that_goes_on_gets_the_next_stream(
    answers: Answers, action: Leaving, first: list[str]
) -> None:
    given = verbs(answers, action)
    assert tags(given) == [*first, "Connect", "Redirect"]
    shown = parameters(given)
    claims = verify([derive_key(AUTH_TOKEN)], shown.pop("token"), NOW_S)
    assert (claims.call_sid, claims.account_sid, claims.generation) == (CALL, ACCOUNT, 4)
    assert shown == {
        "order": "42",
        "from": "+15550001111",
        "to": "+15551234567",
        "direction": "inbound",
    }
    if isinstance(action, SayByTwilio):
        assert (given[0].text, given[0].attrib) == ("Hm.", {"language": "de-DE"})


@pytest.mark.parametrize(
    ("action", "at_least_s"),
    [(SendDigits("w" * 121), 60.5), (SendDigits("W" * 128), 128), (SayByTwilio("o " * 600), 80)],
)
def test_the_token_outlasts_what_comes_before_the_stream(
    answers: Answers, action: Leaving, at_least_s: float
) -> None:
    given = verbs(answers, action)
    later_s = NOW_S + at_least_s + TTL_S - 1
    assert verify([derive_key(AUTH_TOKEN)], parameters(given)["token"], later_s).generation == 4


def test_parameters_that_rest_does_not_take_are_left_out(answers: Answers) -> None:
    record = Record(CALL, ACCOUNT, parameters={f"p{number}": "x" * 400 for number in range(10)})
    with capture_logs() as logs:
        given = verbs(answers, Move(), record)
    assert parameters(given).keys() == {"token", "from", "to", "direction"}
    assert [entry["event"] for entry in logs] == ["stream parameters left out"]


def test_a_failed_transfer_is_told_once(answers: Answers) -> None:
    """The next stream's answer is made from the record, where this one's reason still stands."""
    record = Record(CALL, ACCOUNT, language="fr-FR", parameters={"dial_status": "busy"})
    call = CallIdentity.of_record(record)
    again = answers.render(Connect(3, dial_status="no-answer"), call, record).document
    say, *rest = fromstring(again)
    assert (say.text, say.attrib) == ("Pardon?", {"language": "fr-FR"})
    assert parameters(rest)["dial_status"] == "no-answer"
    later = answers.render(Connect(4), call, record).document
    assert "dial_status" not in parameters(list(fromstring(later)))
