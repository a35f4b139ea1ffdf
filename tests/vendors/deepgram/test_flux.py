"""The stand-in for Flux is as strict as Deepgram."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from websockets.exceptions import InvalidStatus

from media.audio import ULAW_8K
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .standin import DeepgramStandIn
from .talk import FLUX, connected

CLOSE, FORCE = {"type": "CloseStream"}, {"type": "ForceEndTurn"}
PATH = "/v2/listen"


def events(messages: list[Json]) -> list[str]:
    return [message["event"] for message in messages if message["event"] != "Update"]


async def test_turns_are_told_of_in_order(standin: DeepgramStandIn, script: Script) -> None:
    async with connected(standin, PATH, FLUX, script.audio, CLOSE) as talk:
        first, *turns = await talk.rest()
        # It says nothing of why it closes.
        assert talk.close_code == 1005
    assert first["type"] == "Connected"
    assert [message["sequence_id"] for message in (first, *turns)] == list(range(len(turns) + 1))
    assert events(turns) == ["StartOfTurn", "EndOfTurn"] * 2
    ends = [turn for turn in turns if turn["event"] == "EndOfTurn"]
    assert [end["transcript"] for end in ends] == [
        "Hello, this is Parley.",
        "How may I help you today?",
    ]
    assert [end["trigger"] for end in ends] == ["model", "model"]
    assert not any("trigger" in turn for turn in turns if turn["event"] != "EndOfTurn")
    # Some four updates a second, whether anybody speaks or not.
    window_ends = [turn["audio_window_end"] for turn in turns]
    assert all(after - before <= 0.33 for before, after in pairwise(window_ends))
    assert turns[0]["transcript"] == ""


async def test_a_closed_stream_has_no_end_of_turn(standin: DeepgramStandIn, script: Script) -> None:
    middle = ULAW_8K.byte_count(script.words[2].end_ms + 10)
    async with connected(standin, PATH, FLUX, script.audio[:middle], CLOSE) as talk:
        messages = await talk.rest()
    assert events(messages[1:]) == ["StartOfTurn"]
    assert (messages[-1]["event"], messages[-1]["transcript"]) == ("Update", "Hello, this is")


async def test_a_turn_ends_by_force_if_there_is_one(
    standin: DeepgramStandIn, script: Script
) -> None:
    middle = ULAW_8K.byte_count(script.words[1].end_ms + 10)
    query = {**FLUX, "eot_threshold": "1.0"}
    async with connected(standin, PATH, query, FORCE, script.audio[:middle], FORCE, FORCE) as talk:
        await talk.say(script.audio[middle:], CLOSE)
        messages = await talk.rest()
    ends = [message for message in messages if message.get("event") == "EndOfTurn"]
    assert [(end["transcript"], end["trigger"]) for end in ends] == [("Hello, this", "manual")]
    # Nothing else ends the next one, as the threshold is.
    assert messages[-1]["transcript"] == "is Parley. How may I help you today?"


async def test_a_turn_ends_after_enough_silence(standin: DeepgramStandIn, script: Script) -> None:
    query = {**FLUX, "eot_threshold": "1.0", "eot_timeout_ms": "1500"}
    async with connected(standin, PATH, query, script.audio, CLOSE) as talk:
        messages = await talk.rest()
    ends = [message for message in messages if message.get("event") == "EndOfTurn"]
    assert [(end["transcript"], end["trigger"]) for end in ends] == [
        ("Hello, this is Parley.", "timeout"),
        ("How may I help you today?", "timeout"),
    ]


async def test_who_goes_on_resumes_the_turn(standin: DeepgramStandIn, script: Script) -> None:
    query = {**FLUX, "eot_threshold": "1.0", "eager_eot_threshold": "0.5"}
    async with connected(standin, PATH, query, script.audio, FORCE, CLOSE) as talk:
        messages = await talk.rest()
    told = events(messages[1:])
    assert told == ["StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EagerEndOfTurn", "EndOfTurn"]
    eager, end = [m for m in messages if m.get("event") in ("EagerEndOfTurn", "EndOfTurn")][-2:]
    assert eager["transcript"] == end["transcript"] == script.text


async def test_thresholds_may_be_changed(standin: DeepgramStandIn, script: Script) -> None:
    configure = {"type": "Configure", "thresholds": {"eager_eot_threshold": 0.4}}
    async with connected(standin, PATH, FLUX, configure, script.audio, CLOSE) as talk:
        _, success, *rest = await talk.rest()
    assert success["type"] == "ConfigureSuccess"
    assert success["thresholds"]["eager_eot_threshold"] == 0.4
    assert "EagerEndOfTurn" in events(rest)


async def test_several_languages_are_told_of(standin: DeepgramStandIn, script: Script) -> None:
    query = {**FLUX, "model": "flux-general-multi", "language_hint": ["en-GB", "de"]}
    async with connected(standin, PATH, query, script.audio, CLOSE) as talk:
        messages = await talk.rest()
    (end, _) = [message for message in messages if message.get("event") == "EndOfTurn"]
    assert (end["languages"], end["languages_hinted"]) == (["en-GB"], ["en-GB", "de"])


@pytest.mark.parametrize("wrong", ['{"type":"KeepAlive"}', '{"type":"Finalize"}', "nonsense"])
async def test_what_is_no_message_ends_the_stream(standin: DeepgramStandIn, wrong: str) -> None:
    async with connected(standin, PATH, FLUX, wrong) as talk:
        *_, error = await talk.rest()
        assert (error["type"], error["code"]) == ("Error", "UNPARSABLE_CLIENT_MESSAGE")
        assert talk.close_code == 1008


@virtual_time_on_sockets
async def test_a_stream_without_audio_is_closed(script: Script) -> None:
    async with (
        DeepgramStandIn(OracleHearing(script)) as standin,
        connected(standin, PATH, FLUX, script.audio[:800]) as talk,
    ):
        await asyncio.sleep(11)
        assert [message["type"] for message in await talk.rest()] == ["Connected"]
        assert (talk.close_code, talk.socket.close_reason) == (1011, "NET-0001")


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "nova-3"},
        {"model": ""},
        {"interim_results": "true"},
        {"endpointing": "300"},
        {"smart_format": "true"},
        {"punctuate": "true"},
        {"encoding": "flac"},
        {"sample_rate": ""},
        {"eot_threshold": "0.4"},
        {"eager_eot_threshold": "0.8"},
        {"eot_timeout_ms": "100"},
        {"language_hint": "en"},
        {"model": "flux-general-multi", "language_hint": "sv"},
    ],
)
async def test_what_cannot_be_asked(standin: DeepgramStandIn, wrong: dict[str, str]) -> None:
    query = {name: value for name, value in {**FLUX, **wrong}.items() if value}
    with pytest.raises(InvalidStatus) as refused:
        async with connected(standin, PATH, query):
            pass
    assert refused.value.response.status_code == 400


async def test_an_error_on_command(script: Script) -> None:
    faults = {"flux": [Fault("error", "word", 2_000, code=503)]}
    async with (
        DeepgramStandIn(OracleHearing(script), faults=faults) as standin,
        connected(standin, PATH, FLUX, script.audio) as talk,
    ):
        assert (await talk.rest())[-1]["code"] == "NET-0000"
        assert talk.close_code == 1011
