"""The stand-in for `/v1/listen` is as strict as Deepgram."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from websockets.exceptions import InvalidStatus

from media.audio import ULAW_8K
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .standin import DeepgramStandIn
from .talk import NOVA, connected, of_type, said

CLOSE, FINALIZE = {"type": "CloseStream"}, {"type": "Finalize"}
KEEPALIVE = {"type": "KeepAlive"}
PATH = "/v1/listen"


async def test_results_follow_one_another(standin: DeepgramStandIn, script: Script) -> None:
    async with connected(standin, PATH, NOVA, script.audio, CLOSE) as talk:
        messages = await talk.rest()
        assert talk.close_code == 1000
    results = of_type(messages, "Results")
    finals = [message for message in results if message["is_final"]]
    for before, after in pairwise(finals):
        assert after["start"] == pytest.approx(before["start"] + before["duration"])
    first = next(at for at, message in enumerate(finals) if message["speech_final"])
    assert said(finals[: first + 1]) == "Hello, this is Parley."
    assert said(finals[first + 1 :]) == "How may I help you today?"
    assert sum(message["speech_final"] for message in finals) == 2
    assert any(not m["is_final"] and m["channel"]["alternatives"][0]["words"] for m in results)
    assert messages[-1]["type"] == "Metadata"
    assert messages[-1]["duration"] == len(script.audio) / 8000
    assert not of_type(messages, "UtteranceEnd")
    assert not of_type(messages, "SpeechStarted")


async def test_nobody_is_told_what_he_has_not_asked_for(
    standin: DeepgramStandIn, script: Script
) -> None:
    query = {**NOVA, "interim_results": "false", "punctuate": "false", "endpointing": "false"}
    async with connected(standin, PATH, query, script.audio, CLOSE) as talk:
        messages = await talk.rest()
    results = of_type(messages, "Results")
    assert all(message["is_final"] for message in results)
    assert not any(message["speech_final"] for message in results)
    assert said(messages) == "hello this is parley how may i help you today"
    assert "punctuated_word" not in results[0]["channel"]["alternatives"][0]["words"][0]


async def test_silence_is_final_after_a_while(standin: DeepgramStandIn) -> None:
    async with connected(standin, PATH, NOVA, ULAW_8K.silence(3_500), CLOSE) as talk:
        results = of_type(await talk.rest(), "Results")
    assert [message["is_final"] for message in results] == [False, False, True]


async def test_finalize_is_answered_when_there_is_something(
    standin: DeepgramStandIn, script: Script
) -> None:
    middle = ULAW_8K.byte_count(script.words[1].end_ms + 50)
    async with connected(standin, PATH, NOVA, script.audio[:middle], FINALIZE) as talk:
        while not (message := await talk.hear()).get("from_finalize"):
            pass
        assert message["is_final"]
        assert said([message]) == "Hello, this"
        # Now there is no noticeable amount of audio.
        await talk.say(FINALIZE, script.audio[middle : middle + 800], FINALIZE, CLOSE)
        rest = await talk.rest()
    assert not any(message.get("from_finalize") for message in rest)


@virtual_time_on_sockets
async def test_a_stream_without_audio_is_closed(script: Script) -> None:
    async with DeepgramStandIn(OracleHearing(script)) as standin:
        async with connected(standin, PATH, NOVA, script.audio[:800]) as talk:
            for _ in range(3):
                await asyncio.sleep(8)
                await talk.say(KEEPALIVE)
            await asyncio.sleep(9)
            assert not standin.records["stt"][0].ended.is_set()
            await asyncio.sleep(2)
            assert await talk.rest() == []
            assert (talk.close_code, talk.socket.close_reason) == (1011, "NET-0001")
        async with connected(standin, PATH, NOVA) as talk:
            # It holds no stream that has had no audio.
            await asyncio.sleep(8)
            await talk.say(KEEPALIVE)
            await asyncio.sleep(3)
            assert await talk.rest() == []
            assert talk.close_code == 1011


async def test_what_is_no_message_ends_the_stream(standin: DeepgramStandIn) -> None:
    for wrong in ("nonsense", '{"type":"Finalise"}', '{"type":"KeepAlive","more":1}'):
        async with connected(standin, PATH, NOVA, wrong) as talk:
            (error,) = await talk.rest()
            assert (error["type"], error["variant"]) == ("Error", "DATA-0000")
            assert talk.close_code == 1008


async def test_an_empty_frame_is_the_end(standin: DeepgramStandIn, script: Script) -> None:
    async with connected(standin, PATH, NOVA, script.audio, b"") as talk:
        assert said(await talk.rest()) == script.text
    assert standin.records["stt"][0].complaints != []


async def test_only_new_models_are_configured_anew(standin: DeepgramStandIn) -> None:
    configure = {"type": "Configure", "keyterms": ["Parley"]}
    for model, answer in [("nova-3", "ConfigureSuccess"), ("nova-2", "ConfigureFailure")]:
        async with connected(standin, PATH, {**NOVA, "model": model}, configure) as talk:
            assert (await talk.hear())["type"] == answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"modle": "nova-3"},
        {"keyterm": "a " * 501},
        {"model": "nova-9"},
        {"language": "tlh"},
        {"model": "nova-2-phonecall", "language": "de"},
        {"encoding": "ulaw"},
        {"encoding": "linear16", "sample_rate": ""},
        {"interim_results": "yes"},
        {"interim_results": "false", "utterance_end_ms": "1000"},
        {"utterance_end_ms": "500"},
        {"keywords": "Parley"},
        {"model": "nova-2", "keyterm": "Parley"},
        {"endpointing": "soon"},
        {"model": ["nova-3", "nova-2"]},
        {"eot_threshold": "0.7"},
    ],
)
async def test_what_cannot_be_asked(
    standin: DeepgramStandIn, wrong: dict[str, str | list[str]]
) -> None:
    query = {name: value for name, value in {**NOVA, **wrong}.items() if value}
    with pytest.raises(InvalidStatus) as refused:
        async with connected(standin, PATH, query):
            pass
    response = refused.value.response
    assert response.status_code == 400
    assert response.headers["dg-error"].startswith("Bad Request: ")


@pytest.mark.parametrize(
    ("code", "variant", "close_code"),
    [(503, "NET-0000", 1011), (400, "DATA-0000", 1008), (402, "ASR_PAYMENT_REQUIRED", 1008)],
)
async def test_an_error_on_command(
    script: Script, code: int, variant: str, close_code: int
) -> None:
    faults = {"stt": [Fault("error", "word", 2_000, code=code)]}
    async with (
        DeepgramStandIn(OracleHearing(script), faults=faults) as standin,
        connected(standin, PATH, NOVA, script.audio) as talk,
    ):
        messages = await talk.rest()
        assert (messages[-1]["type"], messages[-1]["variant"]) == ("Error", variant)
        assert talk.close_code == close_code
