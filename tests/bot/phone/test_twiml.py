"""TwiML documents."""

from __future__ import annotations

import pytest

from bot.phone.twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Request,
    Say,
    Stream,
    TwimlError,
    Unsupported,
    Verb,
    read_twiml,
    stream_fault,
)
from bot.telephony import twiml
from bot.telephony.address import Address

BASE = "https://bot.example.com/twilio/voice"
URL = "wss://bot.example.com/twilio/media"


def read(verbs: str) -> list[Verb]:
    return read_twiml(f"<Response>{verbs}</Response>", BASE)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("<Hangup/>", Hangup()),
        ("<Reject/>", Reject("rejected")),
        ("<Reject reason='busy'/>", Reject("busy")),
        ("<Pause/>", Pause(1)),
        ("<Pause length='7'/>", Pause(7)),
        ("<Say voice='a'> Good <break/>day </Say>", Say("Good day")),
        ("<Play digits='1ww2'/>", Play(digits="1ww2")),
        ("<Play>/a.wav</Play>", Play("https://bot.example.com/a.wav")),
        ("<Redirect>next?a=1&amp;b=2</Redirect>", Redirect(Request(f"{BASE[:-5]}next?a=1&b=2"))),
        ("<Redirect method='get'>/n</Redirect>", Redirect(Request(f"{BASE[:-13]}/n", "GET"))),
        ("<Redirect/>", Redirect(Request(BASE))),
        ("<Dial>+15550100</Dial>", Dial("+15550100")),
        ("<Dial><Sip>sip:desk@example.com</Sip></Dial>", Dial("sip:desk@example.com")),
        ("<Dial><Client>anna_1</Client></Dial>", Dial("client:anna_1")),
        ("<Dial><Queue>q</Queue></Dial>", Unsupported("Dial with <Queue>")),
        (
            "<Dial><Number>+15550100</Number><Client>anna</Client></Dial>",
            Unsupported("Dial with <Number>, <Client>"),
        ),
        (
            "<Dial action='/next'><Number url='/w'>+15550100</Number></Dial>",
            Dial("+15550100", Request("https://bot.example.com/next")),
        ),
        (f"<Connect><Stream url='{URL}'/></Connect>", Connect(Stream(URL))),
        ("<Connect><Stream url='media'/></Connect>", Connect(Stream(URL))),
        ("<Connect><ConversationRelay/></Connect>", Unsupported("Connect without <Stream>")),
        ("<Gather/>", Unsupported("Gather")),
    ],
)
def test_each_verb(text: str, verb: Verb) -> None:
    assert read(text) == [verb]


def test_a_whole_stream() -> None:
    text = (
        f"<Connect action='next' method='GET'><Stream url='{URL}' name='bot'"
        " statusCallback='/stream' statusCallbackMethod='GET' track='inbound_track'>"
        "<Parameter name='token' value='a&amp;b'/><Parameter name='empty' value=''/>"
        "</Stream></Connect>"
    )
    stream = Stream(
        URL,
        "bot",
        {"token": "a&b", "empty": ""},
        Request("https://bot.example.com/stream", "GET"),
    )
    assert read(text) == [Connect(stream, Request("https://bot.example.com/twilio/next", "GET"))]
    assert "a&b" not in repr(read(text))


def test_what_the_worker_writes_is_read() -> None:
    address = Address("http://127.0.0.1:8080")
    document = twiml.connect(address, "secret", digits="12")
    next_url = Request(address.document("/twilio/next"))
    stream_url = Request(address.document("/twilio/stream"))
    stream = Stream("ws://127.0.0.1:8080/twilio/media", "", {"token": "secret"}, stream_url)
    assert read_twiml(document, BASE) == [
        Play(digits="12"),
        Connect(stream, next_url),
        Redirect(next_url),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<Response>", "not XML"),
        ("", "not XML"),
        ("<html/>", "<html>, not <Response>"),
        ("<Response><Pause length='x'/></Response>", "<Pause length>"),
        ("<Response><Redirect method='PUT'>/n</Redirect></Response>", "neither GET nor POST"),
        ("<Response><Connect><Stream><A/></Stream></Connect></Response>", "whole <Parameter>s"),
        (
            "<Response><Connect><Stream><Parameter name='a'/></Stream></Connect></Response>",
            "whole <Parameter>s",
        ),
        (
            "<Response><Connect><Stream><Parameter name='a' value='"
            + "b" * 499
            + "'/></Stream></Connect></Response>",
            "longer than 499",
        ),
        (
            "<Response><Connect><Stream track='both_tracks'/></Connect></Response>",
            "inbound track alone",
        ),
    ],
)
def test_what_twilio_cannot_follow(text: str, fault: str) -> None:
    with pytest.raises(TwimlError, match=fault) as caught:
        read_twiml(text, BASE)
    assert caught.value.code == 12100
    assert str(caught.value).startswith("12100: ")


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("", 13223),
        ("5550100", 13223),
        ("sip:desk@example.com", 13223),
        ("<Number>sip:desk@example.com</Number>", 13223),
        ("<Number>client:anna</Number>", 13223),
        ("<Number/>", 13223),
        ("<Client>client:anna</Client>", 13223),
        ("<Client>sip:desk@example.com</Client>", 13223),
        ("<Client/>", 13223),
        ("<Sip>+15550100</Sip>", 13243),
        ("<Sip>client:anna</Sip>", 13243),
        ("<Sip/>", 13243),
    ],
)
def test_an_address_in_the_wrong_noun_cannot_be_dialled(inside: str, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        read(f"<Dial>{inside}</Dial>")
    assert caught.value.code == code
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (URL, None),
        ("ws://127.0.0.1:8080/media", None),
        ("ws://bot.example.com/media", 31922),
        ("https://bot.example.com/media", 31922),
        ("wss:///media", 31923),
        (f"{URL}?a=1", 31920),
    ],
)
def test_which_urls_a_stream_may_have(url: str, code: int | None) -> None:
    fault = stream_fault(url)
    assert (fault and fault[0]) == code
