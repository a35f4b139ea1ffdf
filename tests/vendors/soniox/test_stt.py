"""The recognition stream, as its documentation has it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from tests.vendors.speech.hearing import END
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .standin import SonioxStandIn
from .stt import FIN
from .talking import CONFIG, FINALIZE, KEY, Talk, talking, text_of, tokens_of


async def refusal(talk: Talk) -> tuple[int, str]:
    """The error that ends a stream; nothing but progress may come before it."""
    messages = await talk.rest()
    assert talk.close_code == 1000
    assert tokens_of(messages) == []
    error = messages[-1]
    assert {"error_message", "request_id", "more_info"} < error.keys()
    return error["error_code"], error["error_type"]


@pytest.mark.parametrize("end", ["", b""])
@pytest.mark.parametrize("frame", [97, 160, 50_000])
async def test_a_recording_is_understood_however_it_is_cut(
    standin: SonioxStandIn, script: Script, end: str | bytes, frame: int
) -> None:
    async with talking(standin.stt_url, CONFIG) as talk:
        sending = asyncio.create_task(
            talk.say(*(script.audio[at : at + frame] for at in range(0, len(script.audio), frame)))
        )
        await sending
        await talk.say(end)
        messages = await talk.rest()
    assert text_of(messages) == "Hello, this is Parley.<end> How may I help you today?<end>"
    assert [message.get("finished") for message in messages[-2:]] == [None, True]
    assert messages[-1]["total_audio_proc_ms"] == len(script.audio) // 8
    assert talk.close_code == 1000
    (record,) = standin.stt
    assert (record.audio, record.key) == (script.audio, "right")
    assert record.messages == [CONFIG]
    assert len(messages) - 1 == len(script.audio) // 800


async def test_tokens_are_pieces_of_words_and_final_once(
    standin: SonioxStandIn, script: Script
) -> None:
    async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
        messages = await talk.rest()
    tokens = tokens_of(messages)
    assert [token["text"] for token in tokens[:6]] == ["Hel", "lo", ",", " thi", "s", " is"]
    times = [t["start_ms"] for t in tokens if "start_ms" in t]
    assert times == sorted(set(times))
    said = [word.text for word in script.words]
    assert tokens[0]["start_ms"] == script.words[0].start_ms
    assert "".join(t["text"] for t in tokens if t["text"] != END.text).split() == said
    for message in messages:
        settled = {t["start_ms"] for t in tokens_of([message]) if "start_ms" in t}
        assert all(t["start_ms"] not in settled for t in tokens_of([message], final=False))
    assert any(tokens_of([m], final=False) for m in messages)
    assert messages[0]["tokens"] == []


async def test_progress_comes_before_any_word(standin: SonioxStandIn, script: Script) -> None:
    async with talking(standin.stt_url, CONFIG, script.audio[:1600]) as talk:
        assert await talk.hear() == {
            "tokens": [],
            "final_audio_proc_ms": 0,
            "total_audio_proc_ms": 100,
        }


async def test_finalize_makes_all_final(standin: SonioxStandIn, script: Script) -> None:
    middle = script.words[1].end_ms * 8
    async with talking(standin.stt_url, CONFIG, script.audio[:middle], FINALIZE) as talk:
        messages = [await talk.hear()]
        while FIN.text not in text_of(messages):
            messages.append(await talk.hear())
        assert text_of(messages) == "Hello, this<fin>"
        await talk.say({**FINALIZE, "trailing_silence_ms": 200})
        assert text_of([await talk.hear()]) == "<fin>"
        await talk.say({"type": "keepalive"}, script.audio[middle:], "")
        assert text_of(await talk.rest()).startswith(" is Parley.<end>")


@pytest.mark.parametrize(
    ("frames", "heard"),
    [
        ([(0, None)], "Hello, this is Parley.<end> How may I help you today?<end>"),
        # From the middle of `Hello,` on.
        ([(9003, None)], "this is Parley.<end> How may I help you today?<end>"),
        # Without the end of `this` and the beginning of `is`.
        ([(0, 14_200), (15_000, None)], "Hello, Parley.<end> How may I help you today?<end>"),
        # Twice from the middle of `Hello,` to that of `Parley.`.
        (
            [(0, 17_000), (9_003, None)],
            "Hello, this is this is Parley.<end> How may I help you today?<end>",
        ),
    ],
)
async def test_what_is_lost_or_doubled_shows(
    standin: SonioxStandIn, script: Script, frames: list[tuple[int, int | None]], heard: str
) -> None:
    audio = (script.audio[begin:end] for begin, end in frames)
    async with talking(standin.stt_url, CONFIG, *audio, "") as talk:
        assert text_of(await talk.rest()) == heard


async def test_endpoints_are_told_if_they_are_wanted(
    standin: SonioxStandIn, script: Script
) -> None:
    config = {**CONFIG, "enable_endpoint_detection": False}
    async with talking(standin.stt_url, config, script.audio, "") as talk:
        assert text_of(await talk.rest()) == script.text
    config = {**CONFIG, "max_endpoint_delay_ms": 500}
    last_ms = script.words[3].end_ms
    for wanted, delay_ms in ((CONFIG, 700), (config, 500)):
        async with talking(standin.stt_url, wanted, script.audio, "") as talk:
            messages = await talk.rest()
        first = next(m for m in messages if END.text in text_of([m]))
        assert last_ms + delay_ms <= first["total_audio_proc_ms"] < last_ms + delay_ms + 100


async def test_tokens_say_what_was_asked(standin: SonioxStandIn, script: Script) -> None:
    config = {
        **CONFIG,
        "enable_speaker_diarization": True,
        "enable_language_identification": True,
    }
    async with talking(standin.stt_url, config, script.audio, "") as talk:
        tokens = tokens_of(await talk.rest())
    named = {(t.get("speaker"), t.get("language")) for t in tokens if t["text"] != END.text}
    assert named == {("1", "en")}


@pytest.mark.parametrize(
    "change",
    [
        {"model": "stt-rt-preview"},
        {"model": None},
        {"audio_format": "pcm_mulaw"},
        {"sample_rate": None},
        {"num_channels": None},
        {"sample_rate": "8000"},
        {"sample_rate": 0},
        {"language_hints": ["en", "en"]},
        {"language_hints": ["en-US"]},
        {"language_hints": "en"},
        {"enable_endpoint_detection": "true"},
        {"max_endpoint_delay_ms": 499},
        {"max_endpoint_delay_ms": 3001},
        {"endpoint_sensitivity": 1.1},
        {"endpoint_latency_adjustment_level": 4},
        {"client_reference_id": "x" * 257},
        {"context": "Contoso"},
        {"context": {"words": ["Contoso"]}},
        {"context": {"text": "x" * 9_000, "terms": ["y" * 1_001]}},
        {"context": {"general": [{"key": "domain"}]}},
        {"translation": {"type": "one_way", "language_a": "en"}},
        {"translation": {"type": "one_way", "target_language": "tlh"}},
        {"translation": {"type": "two_way", "language_a": "en", "language_b": "de-DE"}},
        {"include_nonfinal": True},
        {"enable_non_final_tokens": True},
        {"sample_rate_hertz": 8000},
        {"api_key": KEY},
    ],
)
async def test_a_config_is_judged(standin: SonioxStandIn, change: dict[str, Any]) -> None:
    config = {**CONFIG, **change}
    config = {name: value for name, value in config.items() if value is not None}
    async with talking(standin.stt_url, config) as talk:
        assert await refusal(talk) == (400, "invalid_request")
    assert KEY not in str(standin.stt)


async def test_a_config_may_hold_everything(standin: SonioxStandIn) -> None:
    config = {
        **CONFIG,
        "model": "stt-rt-v4",
        "language_hints_strict": True,
        "context": {
            "general": [{"key": "domain", "value": "Debt collection"}],
            "text": "a call",
            "terms": ["Contoso"],
            "translation_terms": [{"source": "stroke", "target": "ictus"}],
        },
        "max_endpoint_delay_ms": 3000,
        "endpoint_sensitivity": -1,
        "endpoint_latency_adjustment_level": 3,
        "translation": {"type": "two_way", "language_a": "en", "language_b": "de"},
        "client_reference_id": "call-42",
    }
    async with talking(standin.stt_url, config, "") as talk:
        assert [m.get("finished") for m in await talk.rest()] == [True]
    for more in ({"audio_format": "auto"}, {"audio_format": "pcm_f32le"}):
        async with talking(standin.stt_url, {**config, **more}, b"\0" * 400, "") as talk:
            assert text_of(await talk.rest()) == ""


@pytest.mark.parametrize(
    "frames",
    [
        [b"\xff" * 160],
        [""],
        ["{"],
        ["[]"],
        [FINALIZE],
        [CONFIG, "audio"],
        [CONFIG, {"type": "finalise"}],
        [CONFIG, {"keep_alive": True}],
        [CONFIG, {"type": "keepalive", "id": 1}],
        [CONFIG, {"type": "finalize", "trailing_silence_ms": -1}],
        [CONFIG, CONFIG],
    ],
)
async def test_frames_are_judged(standin: SonioxStandIn, frames: list[Json | str | bytes]) -> None:
    async with talking(standin.stt_url, *frames) as talk:
        assert await refusal(talk) == (400, "invalid_request")


@pytest.mark.parametrize("key", ["wrong", None])
async def test_a_wrong_key_is_refused_at_the_handshake(
    standin: SonioxStandIn, key: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with talking(standin.stt_url, key=key):
            pass
    assert refused.value.response.status_code == 401
    (record,) = standin.stt
    assert record.key == ("missing" if key is None else "wrong")
    assert record.ended.is_set()


async def test_a_key_in_the_url_is_no_key(standin: SonioxStandIn) -> None:
    with pytest.raises(InvalidStatus):
        async with talking(f"{standin.stt_url}?api_key={KEY}", key=None):
            pass
    with pytest.raises(InvalidStatus) as refused:
        async with talking(standin.stt_url.replace("transcribe", "listen")):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("key", "config"), [("wrong", CONFIG), (None, CONFIG), (None, {**CONFIG, "api_key": KEY})]
)
async def test_a_wrong_key_may_be_refused_by_a_message(
    script: Script, key: str | None, config: Json
) -> None:
    async with (
        SonioxStandIn(OracleHearing(script), wrong_key="message") as standin,
        talking(standin.stt_url, config, key=key) as talk,
    ):
        assert await refusal(talk) == (401, "unauthenticated")


async def test_browsers_show_their_key_as_a_protocol(standin: SonioxStandIn) -> None:
    offered = ["soniox-api-key", KEY]
    async with talking(standin.stt_url, CONFIG, "", key=None, subprotocols=offered) as talk:
        assert talk.socket.subprotocol == "soniox-api-key"
        assert (await talk.rest())[-1]["finished"] is True
    with pytest.raises(InvalidStatus):
        async with talking(standin.stt_url, key=None, subprotocols=["soniox-api-key", "wrong"]):
            pass
    assert [record.key for record in standin.stt] == ["right", "wrong"]


async def test_a_key_may_be_in_the_config_for_a_while(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script), config_key=True) as standin:
        async with talking(standin.stt_url, {**CONFIG, "api_key": KEY}, "", key=None) as talk:
            assert (await talk.rest())[-1]["finished"] is True
        async with talking(standin.stt_url, {**CONFIG, "api_key": "x"}, key=None) as talk:
            assert await refusal(talk) == (401, "unauthenticated")
        async with talking(standin.stt_url, CONFIG, key=None) as talk:
            assert await refusal(talk) == (401, "unauthenticated")
        async with talking(standin.stt_url, {**CONFIG, "api_key": KEY}) as talk:
            assert await refusal(talk) == (400, "invalid_request")


@pytest.mark.parametrize("frames", [[], [CONFIG], [CONFIG, {"type": "keepalive"}]])
async def test_silence_has_a_limit(script: Script, frames: list[Json]) -> None:
    limits = Limits(config_s=0.1, idle_s=0.1)
    async with (
        SonioxStandIn(OracleHearing(script), limits=limits) as standin,
        talking(standin.stt_url, *frames) as talk,
    ):
        assert await refusal(talk) == (408, "request_timeout")


@virtual_time_on_sockets
async def test_only_audio_and_keepalives_are_signs_of_life(script: Script) -> None:
    async with (
        SonioxStandIn(OracleHearing(script)) as standin,
        talking(standin.stt_url, CONFIG) as talk,
    ):
        for frame in (b"\xff" * 800, {"type": "keepalive"}, FINALIZE):
            await asyncio.sleep(15)
            await talk.say(frame)
        began_s = asyncio.get_running_loop().time()
        assert (await talk.rest())[-1]["error_code"] == 408
        # 20 s after the keepalive, though it was told to finalize meanwhile.
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(5, abs=0.1)


@virtual_time_on_sockets
async def test_there_is_a_limit_to_starts_in_a_minute(script: Script) -> None:
    limits = Limits(starts_per_min=2)
    async with SonioxStandIn(OracleHearing(script), limits=limits) as standin:
        for _ in range(2):
            for _ in range(2):
                async with talking(standin.stt_url, CONFIG, "") as talk:
                    assert (await talk.rest())[-1]["finished"]
            async with talking(standin.stt_url) as talk:
                assert await refusal(talk) == (429, "limit_exceeded")
            await asyncio.sleep(60)


async def test_there_is_a_limit_to_audio_and_streams(script: Script) -> None:
    limits = Limits(audio_ms=200, stt_at_once=1)
    async with (
        SonioxStandIn(OracleHearing(script), limits=limits) as standin,
        talking(standin.stt_url, CONFIG, b"\xff" * 800) as one,
    ):
        await one.hear()
        async with talking(standin.stt_url) as other:
            assert await refusal(other) == (429, "limit_exceeded")
        await one.say(b"\xff" * 808)
        assert await refusal(one) == (413, "max_duration_reached")


async def test_all_that_came_is_kept_and_no_key(standin: SonioxStandIn, script: Script) -> None:
    async with talking(standin.stt_url, CONFIG, script.audio[:160], FINALIZE) as talk:
        await talk.hear()
        await talk.say({"type": "keepalive"})
        await talk.socket.close(4000)
    (record,) = standin.stt
    await standin.until(record.ended.is_set)
    frames = [frame.data for frame in record.received]
    keepalive = '{"type":"keepalive"}'
    sent = [orjson.dumps(CONFIG).decode(), script.audio[:160], '{"type":"finalize"}', keepalive]
    assert frames == sent
    assert (record.close_code, record.audio_bytes) == (4000, 160)
    assert "authorization" in record.headers
    assert [answer["tokens"][0]["text"] for answer in record.answers] == [FIN.text]
