"""Audio recognized at the pace of its recognizer, and no word of it lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat, Encoding, pcm_to_bytes
from providers.errors import (
    AuthenticationError,
    DeadlineError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
    UnsupportedRateError,
)
from providers.fallback import Candidate, Fallback
from providers.library.listening import ANSWER_S, listening
from providers.options import SttOptions
from providers.types import SttProvider, Transcript
from tests.bot.engines import Recognizer, tone
from tests.vendors.speech.faults import Fault
from tests.virtual_time import virtual_time, virtual_time_on_sockets

from .hearing import SCRIPT, Timed, ears, remote, said_in, soniox

ULAW = SttOptions(audio=ULAW_8K)
PCM = SttOptions(audio=PCM16_8K)


@dataclass
class Noted:
    """A `Reader` that notes all it is told."""

    transcripts: list[Transcript] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    errors: list[ProviderError] = field(default_factory=list)
    ends: list[Exception | None] = field(default_factory=list)

    def uses(self, name: str) -> None:
        self.used.append(name)

    def failed(self, name: str, error: ProviderError) -> None:
        self.errors.append(error)

    def understood(self, transcript: Transcript) -> None:
        self.transcripts.append(transcript)

    def over(self, error: Exception | None) -> None:
        self.ends.append(error)

    @property
    def finals(self) -> list[Transcript]:
        return [one for one in self.transcripts if one.final]

    @property
    def words(self) -> list[Timed]:
        return [(w.text, w.start_ms, w.end_ms) for one in self.finals for w in one.words]


def alone(engine: SttProvider) -> Fallback[SttProvider]:
    return Fallback([Candidate(engine.name, engine)])


def speech(*parts_ms: int) -> bytes:
    """A tone, silence, a tone, …, each so long, in PCM at 8 kHz."""
    pieces = [
        pcm_to_bytes(tone(ms)) if index % 2 == 0 else PCM16_8K.silence(ms)
        for index, ms in enumerate(parts_ms)
    ]
    return b"".join(pieces)


@virtual_time_on_sockets
async def test_a_stream_goes_at_the_pace_of_speech() -> None:
    loop, noted = asyncio.get_running_loop(), Noted()
    async with soniox() as (standin, stt):
        async with listening(stt, ears(), ULAW, noted) as stream:
            began_s = loop.time()
            await stream.send(SCRIPT.audio)
            lasted_s = ULAW_8K.duration_ms(len(SCRIPT.audio)) / 1000
            assert loop.time() - began_s == pytest.approx((lasted_s - 2) / 1.25, abs=0.2)
            await stream.finish()
        assert len(standin.stt) == 1
    assert noted.words == said_in(SCRIPT)
    assert any(not one.final for one in noted.transcripts)
    assert (noted.used, noted.errors, noted.ends) == (["soniox"], [], [None])


@virtual_time_on_sockets
async def test_a_pause_earns_no_haste() -> None:
    loop = asyncio.get_running_loop()
    async with soniox() as (_, stt), listening(stt, ears(), ULAW, Noted()) as stream:
        await stream.send(ULAW_8K.silence(1_000))
        await asyncio.sleep(30)
        began_s = loop.time()
        await stream.send(ULAW_8K.silence(10_000))
        assert loop.time() - began_s == pytest.approx(8 / 1.25, abs=0.3)


@virtual_time
async def test_who_was_cut_off_for_a_while_is_not_late_for_ever() -> None:
    loop, second = asyncio.get_running_loop(), PCM16_8K.silence(1_000)
    late_s: list[float] = []
    async with listening(alone(Recognizer(utterances=False)), ears(), PCM, Noted()) as stream:
        began_s = loop.time()
        for said_s in range(1, 61):
            # Of the network, from which the tenth to the nineteenth come all at once.
            due_s = began_s + (20 if 10 <= said_s < 20 else said_s)
            await asyncio.sleep(due_s - loop.time())
            await stream.send(second)
            late_s.append(loop.time() - began_s - said_s)
    assert late_s[8] == pytest.approx(0, abs=0.1)
    assert 6 < late_s[20] < 9
    assert late_s[-1] == pytest.approx(0, abs=0.1)


@virtual_time_on_sockets
async def test_pieces_may_be_cut_anywhere_and_of_any_rate() -> None:
    noted = Noted()
    options = SttOptions(audio=PCM16_16K)
    audio = SCRIPT.audio_in(PCM16_16K)
    async with soniox() as (_, stt), listening(stt, ears(), options, noted) as stream:
        for at in range(0, len(audio), 1_777):
            await stream.send(audio[at : at + 1_777])
        assert stream.fed_ms == pytest.approx(PCM16_16K.duration_ms(len(audio)))
        await stream.finish()
    assert noted.words == said_in(SCRIPT)


@virtual_time_on_sockets
async def test_another_goes_on_where_one_has_failed() -> None:
    noted = Noted()
    fault = Fault("error", "word", 2_500, code=402, error_type="quota")
    async with soniox(fault) as (first, one), soniox() as (second, _):
        stt = Fallback([*one.candidates, Candidate("second", remote(second).provider)])
        async with listening(stt, ears(), ULAW, noted) as stream:
            await stream.send(SCRIPT.audio)
            await stream.finish()
        assert (len(first.stt), len(second.stt)) == (1, 1)
    assert noted.words == said_in(SCRIPT)
    assert noted.used == ["soniox", "second"]
    assert [error.code for error in noted.errors] == ["quota"]


@virtual_time
async def test_recognizers_of_utterances_get_the_next_when_they_have_answered() -> None:
    loop, noted = asyncio.get_running_loop(), Noted()
    engine = Recognizer(["one", "two", "three"], delay_s=3.0)
    audio = speech(1_000, 1_500, 1_000, 1_500, 1_000)
    async with listening(alone(engine), ears(), PCM, noted) as stream:
        began_s = loop.time()
        await stream.send(audio)
        assert loop.time() - began_s == pytest.approx(6.0, abs=0.2)  # two answers, no more
        assert [one.text for one in noted.finals] == ["one", "two"]
        await stream.finish()
    assert [one.text for one in noted.finals] == ["one", "two", "three"]
    (heard,) = engine.streams
    assert heard.finalized == 3
    assert 3_000 < PCM16_16K.duration_ms(len(heard.audio)) < 6_000  # speech alone, and some around


@virtual_time
async def test_who_never_pauses_is_cut_off_after_a_while() -> None:
    engine = Recognizer(["a", "b", "c"])
    noted = Noted()
    async with listening(alone(engine), ears(), PCM, noted) as stream:
        await stream.send(speech(45_000))
        await stream.finish()
    assert [one.text for one in noted.finals] == ["a", "b", "c"]
    assert PCM16_16K.duration_ms(len(engine.current.audio)) == pytest.approx(45_000, abs=50)
    assert stream.lost_ms == 0


@pytest.mark.parametrize(("endpointing", "asked"), [(True, 2), (False, 0)])
@virtual_time
async def test_endpoints_may_be_left_to_the_recognizer(endpointing: bool, asked: int) -> None:
    engine = Recognizer(utterances=False)
    options = SttOptions(audio=PCM16_8K, endpointing=endpointing, endpointing_ms=300)
    async with listening(alone(engine), ears(), options, Noted()) as stream:
        await stream.send(speech(800, 600, 800, 600))
        engine.current.end_turn()
        await stream.finish()
    assert engine.current.finalized == asked


@virtual_time
async def test_who_does_not_answer_is_not_waited_for_for_ever() -> None:
    engine = Recognizer([None, None])
    loop = asyncio.get_running_loop()
    async with listening(alone(engine), ears(), PCM, Noted()) as stream:
        began_s = loop.time()
        with pytest.raises(DeadlineError, match="an utterance was not answered within 60 s"):
            await stream.send(speech(800, 900, 800, 900))
        assert loop.time() - began_s == pytest.approx(ANSWER_S, abs=0.5)


@virtual_time
async def test_errors_reach_who_sends_and_who_waits() -> None:
    error = AuthenticationError("recognizer", "the key was refused")
    with pytest.raises(AuthenticationError):
        async with listening(alone(Recognizer(failures=[error])), ears(), PCM, Noted()):
            raise AssertionError("nobody can listen")
    noted, engine = Noted(), Recognizer(utterances=False)
    async with listening(alone(engine), ears(), PCM, noted) as stream:
        engine.current.fail(error)
        with pytest.raises(AuthenticationError):
            await stream.send(speech(5_000))
        with pytest.raises(AuthenticationError):
            await stream.finish()
    assert noted.ends == [error]


@virtual_time
async def test_a_bug_is_no_silence() -> None:
    class Broken(Noted):
        def understood(self, transcript: Transcript) -> None:
            raise ZeroDivisionError

    engine = Recognizer(["one"])
    async with listening(alone(engine), ears(), PCM, Broken()) as stream:
        with pytest.raises(ZeroDivisionError):
            await stream.send(speech(800, 900, 800, 900))


@virtual_time
async def test_leaving_ends_it_at_once() -> None:
    noted, engine, hearing = Noted(), Recognizer([None]), ears()
    async with listening(alone(engine), hearing, PCM, noted) as stream:
        waiting = asyncio.create_task(stream.send(speech(800, 900, 800, 900)))
        await asyncio.sleep(1)
    with pytest.raises(UnavailableError, match="the stream was left"):
        await waiting
    assert engine.open == 0
    assert not hearing._listeners
    with pytest.raises(UnavailableError):
        await stream.finish()


@virtual_time
async def test_after_the_end_nothing_is_taken() -> None:
    engine = Recognizer(utterances=True)
    async with listening(alone(engine), ears(), PCM, Noted()) as stream:
        await stream.finish()
        with pytest.raises(UnavailableError, match="the stream is over"):
            await stream.send(speech(100))


@virtual_time
async def test_a_stream_has_one_channel() -> None:
    options = SttOptions(audio=AudioFormat(Encoding.PCM16, 8_000, 2))
    with pytest.raises(UnsupportedFormatError, match="one channel"):
        async with listening(alone(Recognizer()), ears(), options, Noted()):
            raise AssertionError("it has two")


@virtual_time
async def test_an_utterance_may_end_at_the_first_silence() -> None:
    for silence_ms, utterances in ((0, 3), (None, 1)):
        engine, noted = Recognizer(["one", "two", "three"]), Noted()
        options = SttOptions(audio=PCM16_8K, endpointing_ms=silence_ms)
        async with listening(alone(engine), ears(), options, noted) as stream:
            await stream.send(speech(500, 300, 500, 300, 500))
            await stream.finish()
        assert len(noted.finals) == utterances


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        (SttOptions(endpointing_ms=-5), UnsupportedError, "endpointing_ms is -5; let it be 0"),
        (SttOptions(audio=AudioFormat(Encoding.PCM16, 1)), UnsupportedRateError, "1 samples a"),
    ],
)
async def test_what_nobody_can_do_is_refused(
    options: SttOptions, kind: type[ProviderError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        async with listening(alone(Recognizer()), ears(), options, Noted()):
            pass


@virtual_time
async def test_the_language_is_what_was_told_where_the_vendor_does_not_say() -> None:
    engine, noted = Recognizer(["bonjour"]), Noted()
    options = SttOptions(audio=PCM16_8K, language="fr-FR")
    async with listening(alone(engine), ears(), options, noted) as stream:
        await stream.send(speech(500))
        await stream.finish()
    assert [one.language for one in noted.finals] == ["fr-FR"]


@pytest.mark.parametrize("utterances", [True, False])
@virtual_time
async def test_an_utterance_may_be_ended_from_outside(utterances: bool) -> None:
    noted, engine = Noted(), Recognizer(["one", "two", ""], utterances=utterances)
    async with listening(alone(engine), ears(), PCM, noted) as stream:
        await stream.send(speech(1_000))
        stream.finalize()
        await asyncio.sleep(1)
        assert [one.text for one in noted.finals] == ["one"]
        assert stream.covered_ms == stream.fed_ms == 1_000
        stream.expect(["two"])
        await stream.send(speech(1_000, 1_500))
        await asyncio.sleep(1)
        assert [one.text for one in noted.finals] == ["one", "two"]
        stream.finalize()  # nothing was said since
        await asyncio.sleep(1)
        assert [one.text for one in noted.finals] == ["one", "two", ""]
        assert engine.current.expected == [("two",)]
        await stream.finish()
        with pytest.raises(UnavailableError, match="the stream is over"):
            stream.finalize()


@virtual_time
async def test_audio_may_be_sent_before_anybody_listens() -> None:
    loop, noted = asyncio.get_running_loop(), Noted()
    engine = Recognizer(["one"], opening_s=5.0)
    began_s = loop.time()
    async with listening(alone(engine), ears(), PCM, noted, patience_s=0.1) as stream:
        assert loop.time() - began_s == pytest.approx(0.1, abs=0.01)
        await stream.send(speech(1_000, 1_000))
        assert noted.used == []
        await asyncio.sleep(6)
        assert [one.text for one in noted.finals] == ["one"]
    engine.failures.append(AuthenticationError("recognizer", "the key was refused"))
    async with listening(alone(engine), ears(), PCM, noted, patience_s=0.1) as stream:
        await asyncio.sleep(6)
        assert isinstance(noted.ends[-1], AuthenticationError)
        with pytest.raises(AuthenticationError):
            await stream.send(speech(1_000))


@virtual_time
async def test_a_recognizer_gets_pieces_as_long_as_is_wanted() -> None:
    engine = Recognizer(utterances=False)
    async with listening(alone(engine), ears(), PCM, Noted(), chunk_ms=20) as stream:
        await stream.send(PCM16_8K.silence(20))
        assert len(engine.current.audio) == PCM16_16K.byte_count(20)  # which it wants
