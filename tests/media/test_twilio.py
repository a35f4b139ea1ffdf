"""The Media Streams codec: Twilio's documented messages, both ways, and everything else."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.messages import (
    BINARY_FRAME,
    INVALID_MESSAGE,
    Command,
    Connected,
    Dtmf,
    Mark,
    Media,
    MediaStreamError,
    SendClear,
    SendMark,
    SendMedia,
    Start,
    Stop,
    StreamEvent,
    Unknown,
)
from media.twilio import MAX_MESSAGE_BYTES, parse, parse_command, render, render_event

SID = "MZ0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALL = "CA0123456789abcdef0123456789abcdef"
AUDIO = bytes(range(160))

# As in Twilio's documentation, with the fields in its order.
DOCUMENTED: list[tuple[dict[str, Any], StreamEvent]] = [
    ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, Connected()),
    (
        {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": SID,
            "start": {
                "streamSid": SID,
                "accountSid": ACCOUNT,
                "callSid": CALL,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {"call_id": "42", "token": "abc"},
            },
        },
        Start(SID, ACCOUNT, CALL, {"call_id": "42", "token": "abc"}),
    ),
    (
        {
            "event": "media",
            "sequenceNumber": "3",
            "streamSid": SID,
            "media": {
                "track": "inbound",
                "chunk": "1",
                "timestamp": "5",
                "payload": b64encode(AUDIO).decode(),
            },
        },
        Media(AUDIO, 1, 5, 3),
    ),
    (
        {
            "event": "dtmf",
            "sequenceNumber": "5",
            "streamSid": SID,
            "dtmf": {"track": "inbound_track", "digit": "1"},
        },
        Dtmf("1", 5),
    ),
    (
        {"event": "mark", "sequenceNumber": "7", "streamSid": SID, "mark": {"name": "utt-3"}},
        Mark("utt-3", 7),
    ),
    (
        {
            "event": "stop",
            "sequenceNumber": "99",
            "streamSid": SID,
            "stop": {"accountSid": ACCOUNT, "callSid": CALL},
        },
        Stop(ACCOUNT, CALL, 99),
    ),
]
COMMANDS: list[tuple[dict[str, Any], Command]] = [
    (
        {"event": "media", "streamSid": SID, "media": {"payload": b64encode(AUDIO).decode()}},
        SendMedia(AUDIO),
    ),
    ({"event": "mark", "streamSid": SID, "mark": {"name": "utt-3"}}, SendMark("utt-3")),
    ({"event": "clear", "streamSid": SID}, SendClear()),
]

counts = st.integers(0, 10**15 - 1)
sids = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
events: st.SearchStrategy[StreamEvent] = st.one_of(
    st.builds(Connected, st.text(), st.text()),
    st.builds(
        Start,
        stream_sid=st.just(SID),
        account_sid=sids,
        call_sid=sids,
        parameters=st.dictionaries(st.text(), st.text()),
        tracks=st.lists(st.text()).map(tuple),
        encoding=st.text(),
        sample_rate_hz=counts,
        channels=counts,
        sequence=counts,
    ),
    st.builds(Media, st.binary(), counts, counts, counts, st.sampled_from(["inbound", "outbound"])),
    st.builds(Dtmf, st.sampled_from("0123456789*#ABCD"), counts, st.text()),
    st.builds(Mark, st.text(), counts),
    st.builds(Stop, sids, sids, counts),
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(SendMedia, st.binary()), st.builds(SendMark, st.text()), st.just(SendClear())
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def changed(message: dict[str, Any], path: tuple[str, ...], value: object = None) -> str:
    """The message's text with the field at `path` replaced, or without it."""
    copy = json.loads(json.dumps(message))
    fields = copy
    for key in path[:-1]:
        fields = fields[key]
    fields.pop(path[-1], None)
    if value is not None:
        fields[path[-1]] = value
    return json.dumps(copy)


def reason_of(text: str | bytes) -> str:
    with pytest.raises(MediaStreamError) as caught:
        parse(text)
    assert caught.value.code == INVALID_MESSAGE
    return caught.value.reason


def refusal_of(frame: str | bytes) -> tuple[int, str]:
    with pytest.raises(MediaStreamError) as caught:
        parse_command(frame, SID)
    return caught.value.code, caught.value.reason


@pytest.mark.parametrize(("message", "event"), DOCUMENTED)
def test_documented_events_both_ways(message: dict[str, Any], event: StreamEvent) -> None:
    assert parse(json.dumps(message)) == event
    assert parse(json.dumps(message).encode()) == event
    written = json.loads(render_event(event, SID))
    assert written == message
    assert list(written) == list(message)


@pytest.mark.parametrize(("message", "command"), COMMANDS)
def test_documented_commands_both_ways(message: dict[str, Any], command: Command) -> None:
    assert json.loads(render(command, SID)) == message
    assert parse_command(json.dumps(message), SID) == command


@pytest.mark.parametrize("digit", ["", "12", "E", "a", "é", "\0", "1" * 9000])
def test_what_is_no_key_is_refused(digit: str) -> None:
    with pytest.raises(MediaStreamError) as caught:
        parse(render_event(Dtmf(digit, 1), SID))
    assert str(caught.value) == "31951: field 'digit' is no key"


@given(events)
def test_every_event_comes_back(event: StreamEvent) -> None:
    assert parse(render_event(event, SID)) == event


@given(commands)
def test_every_command_comes_back(command: Command) -> None:
    assert parse_command(render(command, SID), SID) == command


def test_counters_may_be_numbers_and_unknown_fields_are_ignored() -> None:
    message = {
        "event": "media",
        "sequenceNumber": 3,
        "streamSid": SID,
        "media": {"track": "outbound", "chunk": 1, "timestamp": 5, "payload": "/w==", "new": 1},
        "new": {},
    }
    assert parse(json.dumps(message)) == Media(b"\xff", 1, 5, 3, "outbound")


def test_an_unknown_event_is_an_event() -> None:
    assert parse('{"event":"weather","media":{}}') == Unknown("weather")


@pytest.mark.parametrize("text", ["", "{", '{"event":"media",', "\ud800", b"\xff", "[" * 2000])
def test_what_is_not_json(text: str | bytes) -> None:
    assert reason_of(text) == "the message is not JSON"


@pytest.mark.parametrize("text", ["[]", "1", "null", '"event"'])
def test_what_is_not_an_object(text: str) -> None:
    assert reason_of(text) == "the message is not a JSON object"


@pytest.mark.parametrize("event", [None, 1, ["media"], {"media": 1}])
def test_an_event_that_is_not_text(event: object) -> None:
    assert reason_of(json.dumps({"event": event})) == "field 'event' is missing or not a string"


def test_a_message_of_the_greatest_length_is_read_and_a_longer_one_is_not() -> None:
    text = '{"event":"weather"}'
    assert parse(text + " " * (MAX_MESSAGE_BYTES - len(text))) == Unknown("weather")
    assert reason_of(text + " " * (MAX_MESSAGE_BYTES + 1 - len(text))) == (
        "the message is longer than 65536 bytes"
    )


def paths(message: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every field that `parse` needs."""
    found: list[tuple[str, ...]] = []
    for key, value in message.items():
        if key not in ("event", "streamSid"):
            found.append((key,))
            if isinstance(value, dict) and key != "customParameters":
                found += [(key, *rest) for rest in paths(value)]
    return [path for path in found if path[-1] != "streamSid"]


@pytest.mark.parametrize(
    ("message", "path"),
    [(message, path) for message, _ in DOCUMENTED for path in paths(message)],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else value["event"],
)
def test_a_missing_or_mistaken_field_is_named(
    message: dict[str, Any], path: tuple[str, ...]
) -> None:
    assert f"field {path[-1]!r} is missing or not" in reason_of(changed(message, path))
    for wrong in (True, 1.5, [1]):
        assert f"field {path[-1]!r} is missing or not" in reason_of(changed(message, path, wrong))


@pytest.mark.parametrize("count", ["", "-1", "1.5", "1_0", " 1", "²", "9" * 16, -1, 10**15])
def test_what_is_not_a_counter(count: object) -> None:
    text = changed(DOCUMENTED[2][0], ("media", "timestamp"), count)
    assert reason_of(text) == "field 'timestamp' is missing or not a counter"


@pytest.mark.parametrize("key", ["streamSid", "accountSid", "callSid"])
@pytest.mark.parametrize("sid", ["", "../../etc", 'MZ"', "MZ\n", "M" * 65, "МZ"])
def test_what_is_not_a_sid(key: str, sid: str) -> None:
    text = changed(DOCUMENTED[1][0], ("start", key), sid)
    assert reason_of(text) == f"field {key!r} is not a SID"


def test_parameters_are_text() -> None:
    text = changed(DOCUMENTED[1][0], ("start", "customParameters", "token"), 42)
    assert reason_of(text) == "field 'customParameters' holds a value that is not a string"


@pytest.mark.parametrize("payload", ["/w=", "/w", "/w==\n", "/w==/w==", "é", "%%%%"])
def test_what_is_not_base64_is_refused_and_not_quoted(payload: str) -> None:
    reason = "field 'payload' is missing or not base64"
    assert reason_of(changed(DOCUMENTED[2][0], ("media", "payload"), payload)) == reason
    command = changed(COMMANDS[0][0], ("media", "payload"), payload)
    assert refusal_of(command) == (INVALID_MESSAGE, reason)


def test_a_binary_frame_has_its_own_number() -> None:
    assert refusal_of(render(SendClear(), SID).encode()) == (BINARY_FRAME, "the frame is binary")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("{", "the message is not JSON"),
        ("[]", "the message is not a JSON object"),
        ("{}", "field 'event' is missing or not a string"),
        ('{"event":"weather"}', "the event is not one of media, mark, clear"),
        ('{"event":"dtmf","streamSid":"MZ"}', "the event is not one of media, mark, clear"),
        ('{"event":"clear"}', "field 'streamSid' is missing or not a string"),
        ('{"event":"clear","streamSid":"MZ9"}', "field 'streamSid' is not this stream's"),
        (changed(COMMANDS[2][0], ("clear",), {}), "field 'clear' is not allowed here"),
        (changed(COMMANDS[0][0], ("sequenceNumber",), "1"), "field 'sequenceNumber' is not all"),
        (changed(COMMANDS[0][0], ("media", "track"), "outbound"), "field 'track' is not allowed"),
        (changed(COMMANDS[0][0], ("media", "payload")), "field 'payload' is missing or not base64"),
        (changed(COMMANDS[0][0], ("media", "payload"), [1]), "field 'payload' is missing or not"),
        (changed(COMMANDS[0][0], ("media",)), "field 'media' is missing or not an object"),
        (changed(COMMANDS[1][0], ("mark", "x"), 1), "field 'x' is not allowed here"),
        (changed(COMMANDS[1][0], ("mark", "name")), "field 'name' is missing or not a string"),
        (changed(COMMANDS[1][0], ("mark",), "utt-3"), "field 'mark' is missing or not an object"),
    ],
)
def test_the_phone_is_as_strict_as_twilio(frame: str, reason: str) -> None:
    code, said = refusal_of(frame)
    assert code == INVALID_MESSAGE
    assert said.startswith(reason)


@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_arbitrary_text_raises_nothing_else(text: str | bytes) -> None:
    for read in (parse, lambda frame: parse_command(frame, SID)):
        with suppress(MediaStreamError):
            read(text)


@given(
    st.sampled_from([message for message, _ in DOCUMENTED + COMMANDS]),
    st.dictionaries(
        st.sampled_from(["sequenceNumber", "streamSid", "start", "media", "dtmf", "mark", "stop"]),
        json_values
        | st.dictionaries(
            st.sampled_from(
                ["payload", "chunk", "timestamp", "track", "name", "digit", "tracks", "streamSid"]
            ),
            json_values,
        ),
    ),
)
def test_arbitrary_fields_raise_nothing_else(
    message: dict[str, Any], fields: dict[str, Any]
) -> None:
    text = json.dumps(message | fields)
    for read in (parse, lambda frame: parse_command(frame, SID)):
        with suppress(MediaStreamError):
            read(text)
