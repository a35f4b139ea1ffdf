"""The documents that Twilio gets, read back as XML."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from structlog.testing import capture_logs

from bot.phone.twiml import Dial, Request, read_twiml
from bot.telephony import twiml
from bot.telephony.address import Address

ADDRESS = Address("https://bot.example.com")
NEXT = "https://bot.example.com/twilio/next#rc=2&rp=all&rt=4000"


def verbs(document: str) -> list[Element]:
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    response = fromstring(document)
    assert response.tag == "Response"
    return list(response)


def tags(document: str) -> list[str]:
    return [verb.tag for verb in verbs(document)]


def test_connect_leads_to_next_however_the_stream_ends() -> None:
    connect, redirect = verbs(twiml.connect(ADDRESS, "a-token"))
    assert (connect.tag, connect.attrib) == ("Connect", {"action": NEXT, "method": "POST"})
    (stream,) = connect
    assert stream.attrib == {
        "url": "wss://bot.example.com/twilio/media",
        "statusCallback": "https://bot.example.com/twilio/stream#rc=2&rp=all&rt=4000",
    }
    assert [parameter.attrib for parameter in stream] == [{"name": "token", "value": "a-token"}]
    assert (redirect.tag, redirect.text, redirect.attrib) == ("Redirect", NEXT, {"method": "POST"})


def test_loopback_streams_without_tls() -> None:
    document = twiml.connect(Address("http://127.0.0.1:8000"), "t")
    assert verbs(document)[0][0].attrib["url"] == "ws://127.0.0.1:8000/twilio/media"


def test_digits_are_sent_before_the_stream() -> None:
    play, connect, _ = verbs(twiml.connect(ADDRESS, "t", digits="ww123#"))
    assert (play.tag, play.attrib, connect.tag) == ("Play", {"digits": "ww123#"}, "Connect")


def test_custom_parameters_are_escaped_and_come_after_the_token() -> None:
    document = twiml.connect(ADDRESS, "t", parameters={"campaign": 'a<b & "c"', "empty": ""})
    stream = verbs(document)[0][0]
    assert [(p.attrib["name"], p.attrib["value"]) for p in stream] == [
        ("token", "t"),
        ("campaign", 'a<b & "c"'),
        ("empty", ""),
    ]


def test_a_parameter_may_have_499_characters() -> None:
    document = twiml.connect(ADDRESS, "t", parameters={"n": "v" * 498})
    assert len(verbs(document)[0][0]) == 2


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("n", "v" * 499, "500 of at most 499"),
        ("token", "mine", "Parley's own"),
        ("", "its-value", "no name"),
        ("n", "a\x00b", "XML"),
        ("n\x1b", "its-value", "XML"),
    ],
)
def test_a_parameter_that_twilio_would_refuse_is_left_out_and_logged(
    name: str, value: str, fault: str
) -> None:
    with capture_logs() as logs:
        document = twiml.connect(ADDRESS, "t", parameters={name: value})
    assert len(verbs(document)[0][0]) == 1
    (entry,) = logs
    assert fault in entry["fault"]
    assert value not in str(entry)


def test_transfer_asks_next_when_it_is_over() -> None:
    (dial,) = verbs(twiml.transfer(ADDRESS, "+15551234567", "+15557654321"))
    assert dial.attrib == {"action": NEXT, "method": "POST", "callerId": "+15557654321"}
    assert [(child.tag, child.text) for child in dial] == [("Number", "+15551234567")]


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        ("+15551234567", "Number", "+15551234567"),
        ("sip:desk@example.com?X-Id=1&b=2", "Sip", "sip:desk@example.com?X-Id=1&b=2"),
        ("client:anna_1", "Client", "anna_1"),
    ],
)
def test_each_kind_of_address_is_dialled_by_its_noun(number: str, noun: str, text: str) -> None:
    apology = twiml.Apology(twiml.Announcement("Sorry."), number)
    for dial in (
        verbs(twiml.transfer(ADDRESS, number))[0],
        verbs(twiml.apologize(ADDRESS, apology))[1],
    ):
        assert [(child.tag, child.text, child.attrib) for child in dial] == [(noun, text, {})]
    # The simulated phone is as strict as Twilio, and goes by the address that was transferred to.
    assert read_twiml(twiml.transfer(ADDRESS, number), NEXT) == [Dial(number, Request(NEXT))]


def test_what_xml_cannot_hold_is_not_dialled() -> None:
    (dial,) = verbs(twiml.transfer(ADDRESS, "sip:a\x00b@example.com", "+1555\x1b1234567"))
    assert (dial[0].tag, dial[0].text) == ("Sip", "sip:ab@example.com")
    assert dial.attrib["callerId"] == "+15551234567"


def test_transfer_without_caller_id_leaves_it_to_twilio() -> None:
    assert "callerId" not in verbs(twiml.transfer(ADDRESS, "+1555"))[0].attrib


def test_apology_with_a_fallback_number() -> None:
    said = twiml.Announcement("Entschuldigung, <später>.\x00", "de-DE")
    apology = twiml.Apology(said, "+15551234567")
    say, dial = verbs(twiml.apologize(ADDRESS, apology))
    assert (say.tag, say.text) == ("Say", "Entschuldigung, <später>.")
    assert say.attrib == {"language": "de-DE"}
    assert (dial.tag, dial[0].text) == ("Dial", "+15551234567")


def test_apology_without_a_fallback_number_hangs_up() -> None:
    assert tags(twiml.apologize(ADDRESS, twiml.Apology(twiml.Announcement("Sorry.")))) == [
        "Say",
        "Hangup",
    ]


def test_an_empty_apology_says_nothing() -> None:
    assert tags(twiml.apologize(ADDRESS, twiml.Apology(twiml.Announcement(" ")))) == ["Hangup"]


def test_an_announcement_is_made_before_the_stream() -> None:
    said = twiml.Announcement("Un momento, por favor.", "es-ES")
    say, connect, _ = verbs(twiml.connect(ADDRESS, "t", said=said))
    assert (say.tag, say.text, say.attrib) == ("Say", said.text, {"language": "es-ES"})
    assert connect.tag == "Connect"


def test_a_redirect_comes_back_with_its_query_after_a_while() -> None:
    pause, redirect = verbs(twiml.redirect(ADDRESS.document("/twilio/next", "attempt=2&x=1"), 1))
    assert pause.attrib == {"length": "1"}
    assert redirect.text == NEXT.replace("#", "?attempt=2&x=1#")


def test_the_short_documents() -> None:
    assert tags(twiml.hang_up()) == ["Hangup"]
    assert tags(twiml.nothing()) == []
    (reject,) = verbs(twiml.reject())
    assert (reject.tag, reject.attrib) == ("Reject", {"reason": "busy"})
    (redirect,) = verbs(twiml.redirect(NEXT))
    assert (redirect.tag, redirect.text) == ("Redirect", NEXT)
