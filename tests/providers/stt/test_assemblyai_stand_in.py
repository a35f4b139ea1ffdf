"""AssemblyAI's recognizer on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from media.audio import ULAW_8K
from providers.catalog import build_stt
from providers.types import SttOptions
from tests.providers.leaks import nothing_left
from tests.providers.stt.streaming import Listener, attended, said_in, speak
from tests.vendors.assemblyai.access import ACCESS
from tests.vendors.assemblyai.limits import Limits
from tests.vendors.assemblyai.standin import AssemblyAiStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.record import Record
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

ULAW = SttOptions(audio=ULAW_8K, endpointing=False)
WITH_TURNS = SttOptions(audio=ULAW_8K)
FORCE, TERMINATE = '{"type":"ForceEndpoint"}', '{"type":"Terminate"}'
FRAME_MS = 20


@pytest.fixture(scope="module")
def script() -> Script:
    """A sentence in which nobody pauses, and one after a pause."""
    sentences = ["one two three four five six seven eight nine ten eleven.", "Thank you."]
    return computed_script(sentences, pause_ms=1_200)


@asynccontextmanager
async def served(
    script: Script, *faults: Fault, options: SttOptions = ULAW, limits: Limits | None = None
) -> AsyncIterator[Any]:
    """The stand-in, and a listener to a stream with it."""
    hearing = OracleHearing(script)
    async with (
        AssemblyAiStandIn(hearing, faults={"stt": faults}, limits=limits or Limits()) as standin,
        nothing_left(standin),
    ):
        provider = build_stt("assemblyai", **ACCESS.settings(standin))
        async with attended(provider.stream(options)) as listener:
            yield standin, listener


def messages_ms(record: Record) -> list[float]:
    """How long the messages with audio were."""
    audio = [frame.data for frame in record.received if isinstance(frame.data, bytes)]
    return [ULAW_8K.duration_ms(len(data)) for data in audio]


async def end(listener: Listener) -> None:
    await listener.stream.finish()
    await listener.end()


@virtual_time_on_sockets
async def test_a_telephone_s_frames_are_gathered(script: Script) -> None:
    async with served(script) as (standin, listener):
        await speak(listener.stream, script.audio[:-80], FRAME_MS)
        await end(listener)
    (record,) = standin.records["stt"]
    *all_but_last, last = messages_ms(record)
    assert set(all_but_last) == {60.0}
    assert last == 50.0  # made up with silence
    assert [text.strip(",.") for text, *_ in listener.words] == [
        text.strip(",.") for text, *_ in said_in(script)
    ]


@virtual_time_on_sockets
async def test_utterances_by_the_dozen_do_not_come_too_fast() -> None:
    """What makes up their last messages adds up: it must not outrun time."""
    script = computed_script(["Yes."])
    (word,) = script.words
    begin, size = ULAW_8K.byte_count(word.start_ms - 100), ULAW_8K.byte_count(500)
    utterance = script.audio[begin : begin + size]
    async with served(script) as (standin, listener):
        for _ in range(40):
            await speak(listener.stream, utterance, FRAME_MS)
            listener.stream.finalize()
        await end(listener)
    assert listener.error is None
    assert [final.text for final in listener.finals] == ["Yes."] * 40
    kinds = [answer["type"] for record in standin.records["stt"] for answer in record.answers]
    assert "Error" not in kinds


@virtual_time_on_sockets
async def test_what_is_sent_again_keeps_to_the_pace(script: Script) -> None:
    """Of a turn that has lasted long, the words that will not change are not sent again."""
    lost_ms = script.words[8].end_ms + 10
    async with served(script, Fault("reset", "audio", lost_ms)) as (standin, listener):
        await speak(listener.stream, script.audio)
        listener.stream.finalize()
        await asyncio.sleep(5)
        await end(listener)
    assert listener.error is None
    assert [start_ms for _, start_ms, _ in listener.words] == [
        pytest.approx(word.start_ms, abs=10) for word in script.words
    ]
    first, second, *_ = standin.records["stt"]
    sent_ms = sum(messages_ms(first))
    again_ms = sent_ms - script.words[-1].end_ms + sum(messages_ms(second))
    assert again_ms < 2_500
    kinds = [answer["type"] for record in standin.records["stt"] for answer in record.answers]
    assert "Error" not in kinds


@virtual_time_on_sockets
async def test_a_long_silence_is_not_sent_again(script: Script) -> None:
    async with served(script, Fault("reset", "audio", 25_000)) as (standin, listener):
        await speak(listener.stream, ULAW_8K.silence(25_200) + script.audio)
        await end(listener)
    _, second = standin.records["stt"]
    assert len(listener.words) == len(script.words)
    assert sum(messages_ms(second)) < ULAW_8K.duration_ms(len(script.audio)) + 1_500


@virtual_time_on_sockets
async def test_lost_time_is_made_good_in_a_pause(script: Script) -> None:
    """A vendor that is away while somebody speaks leaves the stream behind, and not for ever."""
    away = [Fault("stall", "open"), Fault("behave")]
    async with served(script, *away) as (standin, listener):
        for _ in range(4):
            await speak(listener.stream, script.audio)
            listener.stream.finalize()
        await asyncio.sleep(2)
        await end(listener)
    assert [word for word, *_ in listener.words] == [word.text for word in script.words] * 4
    records = standin.records["stt"]
    # Each connection but the first, which never heard anything, ended with nothing owed.
    assert len(records) > 2
    ends = [record.texts[-2:] for record in records[1:-1]]
    assert all(texts in ([FORCE, TERMINATE], [TERMINATE]) for texts in ends)
    assert all(before.ended.is_set() for before, _ in pairwise(records))


@virtual_time_on_sockets
async def test_every_session_is_terminated_in_the_end(script: Script) -> None:
    async with served(script) as (standin, listener):
        await speak(listener.stream, script.audio)
        await end(listener)
    (record,) = standin.records["stt"]
    assert record.texts.count(TERMINATE) == 1
    assert list(record.answers)[-1]["type"] == "Termination"


@virtual_time_on_sockets
async def test_a_session_that_is_left_is_terminated(script: Script) -> None:
    """As one is when the caller hangs up: what is not terminated is billed for three hours."""
    async with served(script) as (standin, listener):
        await speak(listener.stream, script.audio[:8_000])
    (record,) = standin.records["stt"]
    await record.ended.wait()
    assert record.texts == [TERMINATE]


@virtual_time_on_sockets
async def test_a_session_that_does_not_answer_is_terminated_too(script: Script) -> None:
    async with served(script, Fault("stall", "audio", 1_000)) as (standin, listener):
        await speak(listener.stream, script.audio)
        listener.stream.finalize()
        await asyncio.sleep(5)
        await end(listener)
    lost, _ = standin.records["stt"]
    assert lost.texts[-1] == TERMINATE
    assert len(listener.words) == len(script.words)


@pytest.mark.parametrize("lost", [[], [Fault("reset", "audio", 5_800)]])
@virtual_time_on_sockets
async def test_a_turn_that_is_not_told_in_writing_is_over_as_well(
    script: Script, lost: list[Fault]
) -> None:
    """Whether nothing comes, or the connection breaks before it does: the bot waits for it."""
    words = script.words[:11]
    until = ULAW_8K.byte_count(words[-1].end_ms)
    silent = Limits(writes=False)
    async with served(script, *lost, options=WITH_TURNS, limits=silent) as (standin, listener):
        await speak(listener.stream, script.audio[:until] + ULAW_8K.silence(1_500))
        assert listener.turns == 1
        assert [word for word, *_ in listener.words] == [
            word.text.strip(",.").lower() for word in words
        ]
        assert len(standin.records["stt"]) == 1 + len(lost)
        assert any(answer.get("end_of_turn") for answer in standin.records["stt"][0].answers)


def test_clocks_may_differ() -> None:
    """The vendor's starts somewhat later than ours, which virtual time does not show."""
    provider = build_stt("assemblyai", api_key="k")
    assert provider.capabilities.delivery.ahead_ms <= Limits().ahead_ms - 200
