"""Azure's voices on its stand-in: what this vendor has that others have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Literal

import pytest

from media.audio import ULAW_8K, Encoding, Samples, encode
from providers.catalog import build_tts
from providers.errors import ApiError, ProviderError, UnsupportedError
from providers.types import SynthesisChunk, TtsOptions, TtsProvider
from tests.providers.conformance.reach import reached
from tests.vendors.azure.limits import Limits
from tests.vendors.speech.faults import Fault, Kind
from tests.vendors.speech.record import Record
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.voices import CHARACTER_MS, Speaking, ToneVoice, Voice, tones
from tests.virtual_time import virtual_time_on_sockets

TEXT = "Well, Tom & Jerry: how are you?"
WORDS = ("Well,", "Tom", "Jerry:", "how", "are", "you?")
PLAIN = TtsOptions()


@asynccontextmanager
async def speaking(
    name: str = "azure",
    *faults: Fault,
    pace: float | None = None,
    voice: Voice | None = None,
    limits: Limits | None = None,
    **account: str,
) -> AsyncIterator[tuple[TtsProvider, list[Record]]]:
    """A synthesizer, and who came to its stand-in."""
    async with reached(
        build_tts, name, *faults, account=account, pace=pace, voice=voice, limits=limits
    ) as vendor:
        yield vendor.provider, vendor.records


async def said(tts: TtsProvider, text: str, options: TtsOptions = PLAIN) -> list[SynthesisChunk]:
    async with aclosing(tts.synthesize(text, options)) as chunks:
        return [chunk async for chunk in chunks]


def audio(chunks: list[SynthesisChunk]) -> bytes:
    return b"".join(chunk.audio for chunk in chunks)


def ulaw(text: str, speed: float = 1.0) -> bytes:
    return encode(tones(text, 8_000, speed), Encoding.ULAW)


def of(record: Record, path: str) -> list[Json]:
    """What was said to the stand-in under a path."""
    return [message for message in record.messages if message["path"] == path]


@pytest.mark.parametrize("given", ["ssml", "text"])
@virtual_time_on_sockets
async def test_words_have_places_and_times(given: str) -> None:
    async with speaking(tts_input=given, pace=4) as (tts, _):
        chunks = await said(tts, TEXT)
    assert audio(chunks) == ulaw(TEXT)
    words = [word for chunk in chunks for word in chunk.words]
    found = [TEXT[word.start : word.end] for word in words if TEXT[word.start] != "&"]
    assert tuple(found) == WORDS
    assert [word.at_ms for word in words] == [word.start * CHARACTER_MS for word in words]
    # Each is told before, or with, the audio that it is in.
    heard_ms = 0.0
    for chunk in chunks:
        heard_ms += ULAW_8K.duration_ms(len(chunk.audio))
        assert all(word.at_ms < heard_ms for word in chunk.words)


@pytest.mark.parametrize("name", ["azure", "azure-http"])
@virtual_time_on_sockets
async def test_style_and_prosody(name: str) -> None:
    async with speaking(name, tts_style="customerservice") as (tts, records):
        options = TtsOptions(speed=1.5, pitch=-2, volume=0.5, style=0.8)
        assert audio(await said(tts, TEXT, options)) == ulaw(TEXT, 1.5)
        inner = '<prosody rate="2">Hi &amp; bye</prosody>'
        assert not any(record.complaints for record in records)
        guy = f'<voice name="en-US-GuyNeural">{inner}</voice>'
        for ssml in (guy, f"<speak>{guy}</speak>"):
            assert audio(await said(tts, ssml, TtsOptions(ssml=True))) == ulaw("Hi & bye", 2)
        with pytest.raises(UnsupportedError, match="cannot be cut"):
            await said(tts, "word " * 300, TtsOptions(ssml=True))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    # By HTTP it does not say why.
    [("azure", UnsupportedError, "NobodyNeural"), ("azure-http", ApiError, "see the voice")],
)
@virtual_time_on_sockets
async def test_a_voice_that_there_is_not(name: str, kind: type[ProviderError], words: str) -> None:
    async with speaking(name) as (tts, _):
        with pytest.raises(kind, match=words):
            await said(tts, TEXT, TtsOptions(voice="en-US-NobodyNeural"))


class LatinVoice(ToneVoice):
    """Leaves out what it has no sounds for, as Azure's voices do (issue 2268 of its SDK)."""

    async def speak(self, text: str, speaking: Speaking) -> Samples:
        return await super().speak("".join(filter(str.isascii, text)), speaking)


@pytest.mark.parametrize("name", ["azure", "azure-http"])
@virtual_time_on_sockets
async def test_a_text_of_which_a_voice_says_nothing_concerns_no_other(name: str) -> None:
    async with speaking(name, voice=LatinVoice()) as (tts, records):
        with pytest.raises(UnsupportedError, match="without audio") as raised:
            await said(tts, "สวัสดี")
        assert not raised.value.retryable
        # Whoever is asked by HTTP may have been cut off, so is asked twice.
        assert len(records) == (2 if name == "azure-http" else 1)
        assert audio(await said(tts, "Hello.")) == ulaw("Hello.")
        if name == "azure":
            assert [len(of(record, "ssml")) for record in records] == [2]


@virtual_time_on_sockets
async def test_a_text_that_is_refused_concerns_no_other() -> None:
    async with speaking() as (tts, records):
        with pytest.raises(ApiError, match="well-formed") as raised:
            await said(tts, "Tom & Jerry", TtsOptions(ssml=True))
        assert not raised.value.retryable
        assert audio(await said(tts, "Tom & Jerry")) == ulaw("Tom & Jerry")
        assert len(records) == 2


@pytest.mark.parametrize("told", ["before", "behind"])
@virtual_time_on_sockets
async def test_words_may_be_told_of_all_at_once(told: Literal["before", "behind"]) -> None:
    async with speaking(limits=Limits(boundaries=told)) as (tts, _):
        chunks = await said(tts, TEXT)
    assert audio(chunks) == ulaw(TEXT)
    words = [word for chunk in chunks for word in chunk.words]
    found = [TEXT[word.start : word.end] for word in words if TEXT[word.start] != "&"]
    assert tuple(found) == WORDS
    assert [word.at_ms for word in words] == [word.start * CHARACTER_MS for word in words]


@virtual_time_on_sockets
async def test_a_text_in_several_sentences_is_given_piece_by_piece() -> None:
    text = "This is the first sentence. This is the second one."
    async with speaking(tts_input="text") as (tts, records):
        assert audio(await said(tts, text)) == ulaw(text)
        (record,) = records
        assert record.path.endswith("/v2")
        pieces = [message["text"] for message in of(record, "text.piece")]
        assert pieces == ["This is the first sentence. ", "This is the second one."]
        assert audio(await said(tts, "<break/>Hi", TtsOptions(ssml=True))) == ulaw("Hi")
        assert records[1].path.endswith("/v1")


@pytest.mark.parametrize("kind", ["reset", "stall", "close", "error"])
@virtual_time_on_sockets
async def test_a_text_given_piece_by_piece_is_heard_whole(kind: Kind) -> None:
    text = "This is the first sentence. This is the second one."
    async with speaking("azure", Fault(kind, "audio", 1_000), pace=4, tts_input="text") as (
        tts,
        records,
    ):
        assert audio(await said(tts, text)) == ulaw(text)
        assert len(records) == 2


@virtual_time_on_sockets
async def test_a_connection_is_used_again_when_a_text_that_was_cut_off_is_over() -> None:
    async with speaking(pace=4) as (tts, records):
        async with aclosing(tts.synthesize(TEXT, PLAIN)) as cut:
            await anext(cut)
        # It cannot be told to stop, so the next text has another connection.
        assert audio(await said(tts, "No.")) == ulaw("No.")
        assert len(records) == 2
        await asyncio.sleep(5)
        await asyncio.gather(said(tts, TEXT), said(tts, TEXT))
        assert [len(of(record, "ssml")) for record in records] == [2, 2]


@virtual_time_on_sockets
async def test_a_connection_is_left_before_azure_closes_it() -> None:
    async with speaking() as (tts, records):
        for minute in range(12):
            assert audio(await said(tts, "Hello.")) == ulaw("Hello.")
            if minute < 11:
                await asyncio.sleep(59)
        assert [len(of(record, "ssml")) for record in records] == [10, 2]
        assert all(not record.complaints for record in records)


@virtual_time_on_sockets
async def test_a_connection_that_azure_has_closed_costs_no_text() -> None:
    async with speaking() as (tts, records):
        for _ in range(3):
            assert audio(await said(tts, "Hello.")) == ulaw("Hello.")
            await asyncio.sleep(70)
        assert len(records) == 3


@virtual_time_on_sockets
async def test_its_voices() -> None:
    async with speaking() as (tts, _):
        german = {voice.id for voice in await tts.voices("de")}
        assert german == {"de-DE-KatjaNeural", "en-US-AvaMultilingualNeural"}
        jenny = next(voice for voice in await tts.voices() if voice.name == "Jenny")
        assert "customerservice" in jenny.description
