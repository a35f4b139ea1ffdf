"""The stand-in's streams are as strict as Azure's SDKs let one be."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from media.audio import PCM16_16K, ULAW_8K
from providers.azure_usp import binary_message, json_message
from providers.stt.azure_turn import riff_header
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .limits import Limits
from .refusal import TOO_MANY
from .standin import AzureStandIn
from .talk import (
    AT,
    CONFIG,
    ENGLISH,
    HEADERS,
    TURN,
    audio,
    connected,
    context,
    kinds,
    met,
    rest,
    said,
)

END = audio(b"")
NEXT = "f" * 32
BEGIN = (CONFIG, context(), audio(b"", begins=True))


async def test_a_turn_has_its_order(standin: AzureStandIn, script: Script) -> None:
    async with connected(standin, *BEGIN, audio(script.audio), END) as talk:
        messages = await rest(talk, "turn.end")
    assert kinds(messages) == [
        *("turn.start", "speech.startDetected", "speech.hypothesis", "speech.phrase"),
        *("speech.hypothesis", "speech.phrase", "speech.endDetected", "turn.end"),
    ]
    assert said(messages) == script.text
    phrases = [m for m in messages if m["path"] == "speech.phrase"]
    assert [phrase["RecognitionStatus"] for phrase in phrases] == [
        *("Success", "Success"),
        "EndOfDictation",
    ]
    spoken = phrases[0]["NBest"][0]
    assert spoken["Lexical"] == "hello this is parley"
    assert [word["Word"] for word in spoken["Words"]] == ["hello", "this", "is", "parley"]
    assert spoken["Words"][0]["Offset"] == script.words[0].start_ms * 10_000


async def test_a_result_is_simple_unless_more_is_asked_for(
    standin: AzureStandIn, script: Script
) -> None:
    async with connected(
        standin, *BEGIN, audio(script.audio), END, query={"language": "en-US"}
    ) as talk:
        messages = await rest(talk, "turn.end")
    assert said(messages) == script.text
    assert not any("NBest" in message for message in messages)


async def test_another_turn_may_follow(standin: AzureStandIn, script: Script) -> None:
    async with connected(standin, *BEGIN, audio(script.audio), END) as talk:
        await rest(talk, "turn.end")
        # What comes late of the last turn is nothing.
        await talk.say(audio(b"\xff" * 800), context(NEXT), audio(script.audio, NEXT, begins=True))
        await talk.say(audio(b"", NEXT))
        messages = await rest(talk, "turn.end")
    assert said(messages) == script.text
    (record,) = standin.records["stt"]
    assert record.audio_bytes == 2 * len(script.audio)


async def test_nobody_speaks_and_the_turn_ends(script: Script) -> None:
    async with met(
        script, *BEGIN, audio(ULAW_8K.silence(3_000)), limits=Limits(silence_ms=2_000)
    ) as talk:
        messages = await rest(talk, "turn.end")
    assert kinds(messages) == ["turn.start", "speech.phrase", "speech.endDetected", "turn.end"]
    assert messages[1]["RecognitionStatus"] == "InitialSilenceTimeout"
    assert messages[1]["Offset"] == 20_000_000


async def test_a_long_utterance_is_cut(script: Script) -> None:
    async with met(script, *BEGIN, audio(script.audio), END, limits=Limits(phrase_ms=500)) as talk:
        messages = await rest(talk, "turn.end")
    assert said(messages) == script.text
    assert sum("DisplayText" in message for message in messages) > 2


async def test_languages_are_told_apart(standin: AzureStandIn, script: Script) -> None:
    listed = {"languages": ["en-US", "de-DE"], "mode": "DetectContinuous"}
    query = {**ENGLISH, "lidEnabled": "en-US,de-DE"}
    first = (CONFIG, context(languageId=listed), audio(script.audio, begins=True), END)
    async with connected(standin, *first, query=query) as talk:
        messages = await rest(talk, "turn.end")
    languages = [m["PrimaryLanguage"]["Language"] for m in messages if "DisplayText" in m]
    assert languages == ["en-US", "en-US"]


WRONG = {
    "no config": (context(),),
    "no RIFF header": (CONFIG, context(), audio(b"\xff" * 800)),
    "no time": (CONFIG.replace("X-Timestamp", "X-Time"),),
    "no UTC": (CONFIG.replace(AT, AT.rstrip("Z")),),
    "no path": (CONFIG.replace("Path", "Pfad"),),
    "no value": (CONFIG.replace("Path:", "Path"),),
    "no empty line": ("Path:speech.config",),
    "no JSON": (CONFIG + "}",),
    "no id": (CONFIG, json_message("speech.context", {}, AT)),
    "an id with dashes": (CONFIG, context(turn="0123-4567")),
    "no stream id": (CONFIG, context(), binary_message("audio", b"", AT, TURN)),
    "audio in text": (CONFIG, json_message("audio", {}, AT, TURN)),
    "half a message": (CONFIG, b"\x00\xffPath"),
    "an unknown field": (CONFIG, context(phraseDetektion={})),
    "a pause too short": (
        CONFIG,
        context(
            phraseDetection={
                "CONVERSATION": {
                    "segmentation": {"mode": "Custom", "segmentationSilenceTimeoutMs": 99}
                }
            }
        ),
    ),
    "an unknown language": (CONFIG, context(phraseDetection={"language": "xx-XX"})),
    "languages that the address lacks": (
        CONFIG,
        context(languageId={"languages": ["en-US"], "mode": "DetectContinuous"}),
    ),
    "a context in a turn": (*BEGIN, context(NEXT)),
    "a turn in a turn": (*BEGIN, audio(b"", NEXT, begins=True)),
}


@pytest.mark.parametrize("frames", WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_closes_the_connection(
    standin: AzureStandIn, frames: tuple[str | bytes, ...]
) -> None:
    async with connected(standin, *frames) as talk:
        assert not any(message["path"] == "speech.phrase" for message in await rest(talk))
        assert talk.close_code == 1007


async def test_what_means_nothing_is_noted(standin: AzureStandIn, script: Script) -> None:
    strange, telemetry = (json_message(path, {}, AT, TURN) for path in ("hello", "telemetry"))
    async with connected(standin, CONFIG, strange, telemetry, *BEGIN[1:], END) as talk:
        await rest(talk, "turn.end")
    (record,) = standin.records["stt"]
    assert record.complaints == ["hello means nothing"]


async def test_linear_audio_is_understood(standin: AzureStandIn, script: Script) -> None:
    header = binary_message("audio", riff_header(PCM16_16K), AT, TURN, stream="1")
    frames = (CONFIG, context(), header, audio(script.audio_in(PCM16_16K)), END)
    async with connected(standin, *frames) as talk:
        assert said(await rest(talk, "turn.end")) == script.text


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        (ENGLISH, {**HEADERS, "Ocp-Apim-Subscription-Key": "another"}, 401),
        (ENGLISH, {"X-ConnectionId": "c" * 32}, 401),
        (ENGLISH, {**HEADERS, "X-ConnectionId": "c"}, 400),
        ({}, HEADERS, 400),
        ({"language": "xx-XX"}, HEADERS, 400),
        ({**ENGLISH, "profanity": "loud"}, HEADERS, 400),
        ({**ENGLISH, "model": "one"}, HEADERS, 400),
    ],
)
async def test_a_handshake_is_refused(
    standin: AzureStandIn, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as raised:
        async with connected(standin, query=query, headers=headers):
            raise AssertionError("it was taken")
    assert raised.value.response.status_code == status


async def test_streams_have_a_limit(script: Script) -> None:
    standin = AzureStandIn(OracleHearing(script), limits=Limits(stt_at_once=1))
    async with standin, connected(standin):
        with pytest.raises(InvalidStatus) as raised:
            async with connected(standin):
                raise AssertionError("it was taken")
    assert raised.value.response.status_code == 429


@virtual_time_on_sockets
@pytest.mark.parametrize("limits", [Limits(idle_s=5.0), Limits(connection_s=5.0)])
async def test_a_connection_does_not_last(script: Script, limits: Limits) -> None:
    async with met(script, *BEGIN, limits=limits) as talk:
        await rest(talk)
        assert talk.close_code == 1000


@pytest.mark.parametrize(
    ("code", "status"),
    [(400, "BadRequest"), (402, "Forbidden"), (429, "TooManyRequests"), (503, "Error")],
)
async def test_an_error_in_a_turn_is_a_result(script: Script, code: int, status: str) -> None:
    async with met(
        script, *BEGIN, audio(script.audio), fault=Fault("error", at_ms=500, code=code)
    ) as talk:
        messages = await rest(talk)
        assert talk.close_code == 1000
    assert messages[-2]["RecognitionStatus"] == status
    assert messages[-1]["path"] == "turn.end"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("error", at_ms=500, code=429, error_type=TOO_MANY), "Quota exceeded. Cid: "),
        (Fault("error", at_ms=500, code=401), "Authentication failed."),
    ],
    ids=["too many", "denied"],
)
async def test_an_error_in_a_turn_may_close_the_connection(
    script: Script, fault: Fault, reason: str
) -> None:
    async with met(script, *BEGIN, audio(script.audio), fault=fault) as talk:
        await rest(talk)
        assert (talk.close_code, talk.socket.close_reason) == (1007, reason)
