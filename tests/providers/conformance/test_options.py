"""What is asked for and not on offer is said; what is on offer is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from providers.catalog import FILES, STT, TTS, build_file_stt, build_stt, build_tts
from providers.errors import ProviderError, UnsupportedLanguageError
from providers.options import STT_OPTIONS, TTS_OPTIONS
from providers.results import AudioData
from providers.types import FileRecognizer, SttOptions, SttProvider, TtsOptions, TtsProvider
from tests.vendors.speech.record import Record
from tests.virtual_time import virtual_time_on_sockets

from .caller import telephone_format
from .reach import LOCAL, Reached, access_to, reached, remote

NOBODY_S_LANGUAGE = "qaa"
"""ISO 639 keeps it for private use."""
TEXT = 'Good <break time="20ms"/> morning.'
"""Whoever takes it for SSML gives it as it is, and for others marks are characters."""

TO_RECOGNIZERS: dict[str, Any] = {
    "phrases": ("Winterbottom",),
    "interim_results": False,
    "languages": ("es",),
    "model": "another-model",
    "diarization": True,
    "punctuation": False,
    "profanity_filter": True,
    "key_terms": ("Parley",),
    "endpointing": False,
    "endpointing_ms": 600,
}
TO_SYNTHESIZERS: dict[str, Any] = {
    "speed": 1.1,
    "model": "another-model",
    "pitch": 2.0,
    "volume": 0.5,
    "stability": 0.3,
    "similarity": 0.3,
    "style": 0.3,
    "speaker_boost": True,
    "ssml": True,
    "pronunciations": ("a-dictionary",),
}


async def _hear(provider: SttProvider, **asked: Any) -> None:
    audio_format = telephone_format(provider)
    async with provider.stream(SttOptions(audio=audio_format, **asked)) as stream:
        stream.send(audio_format.silence(200))
        await stream.finish()
        async for _ in stream:
            pass


async def _say(provider: TtsProvider, **asked: Any) -> None:
    async with aclosing(provider.synthesize(TEXT, TtsOptions(**asked))) as chunks:
        async for _ in chunks:
            pass


async def _read(provider: FileRecognizer, **asked: Any) -> None:
    audio_format = provider.capabilities.audio[0]
    audio = AudioData(audio_format.silence(200), audio_format)
    await provider.transcribe(audio, SttOptions(**asked))


OWN_IDS = ("context_id", "event_id", "stream_id")
"""What clients call each text, or message, in their own way."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Recognizers, synthesizers, or recognizers of recordings.

    Attributes:
        build: the catalogue's function for them.
        names: the catalogue's.
        use: has one of them do something with these options.
        options: what may be asked of them that is not as usual.
        unsaid: options for which a vendor is told nothing, whoever it is.
    """

    build: Callable[..., Any]
    names: Mapping[str, str]
    use: Callable[..., Coroutine[Any, Any, None]]
    options: Mapping[str, Any]
    unsaid: frozenset[str] = frozenset()


KINDS = {
    # The engine leaves interim results out.
    "stt": Kind(build_stt, STT, _hear, TO_RECOGNIZERS, frozenset({"interim_results"})),
    "tts": Kind(build_tts, TTS, _say, TO_SYNTHESIZERS),
    "files": Kind(build_file_stt, FILES, _read, TO_RECOGNIZERS),
}
ALL = [(kind, name) for kind, of in KINDS.items() for name in of.names]
REMOTE = [(kind, name) for kind, of in KINDS.items() for name in remote(of.names)]
ON_THIS_MACHINE: dict[str, dict[str, Any]] = {
    "pocketsphinx": {"processes": 1},
    "whisper": {"device": "cpu"},
}


@asynccontextmanager
async def _started(kind: Kind, name: str, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A provider, wherever it is."""
    if name not in LOCAL:
        async with reached(kind.build, name) as vendor:
            yield vendor.provider
        return
    settings = ON_THIS_MACHINE.get(name, {})
    if name == "whisper":
        settings = {**settings, "model": str(request.getfixturevalue("whisper_model"))}
    provider = kind.build(name, **settings)
    try:
        if hasattr(provider, "start"):
            await provider.start()
        yield provider
    finally:
        await provider.aclose()


async def _told(of: Kind, name: str, vendor: Reached[Any], **asked: Any) -> list[object] | None:
    """What a vendor is asked for by a provider that has not spoken to it yet; None is nothing."""
    before = len(vendor.records)
    provider = of.build(name, **access_to(name).settings(vendor.standin))
    try:
        with suppress(ProviderError):  # such as for a model that there is not
            await of.use(provider, **asked)
    finally:
        await provider.aclose()
    return _asked(vendor.records[before]) if len(vendor.records) > before else None


def _asked(record: Record) -> list[object]:
    """What a client has asked for, without what is another each time."""
    boundary = record.headers.get("content-type", "").rpartition("boundary=")[2]
    body = b"" if record.method == "GET" else record.audio.replace(boundary.encode(), b"")
    return [record.path, record.query, body, list(map(_without_ids, record.messages[:3]))]


def _without_ids(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in OWN_IDS}


def test_no_option_is_left_out() -> None:
    assert TO_RECOGNIZERS.keys() == set(STT_OPTIONS)
    assert TO_SYNTHESIZERS.keys() == set(TTS_OPTIONS)


@pytest.mark.parametrize(("kind", "name"), ALL)
async def test_what_is_not_on_offer_is_said(
    kind: str, name: str, request: pytest.FixtureRequest
) -> None:
    of = KINDS[kind]
    async with _started(of, name, request) as provider:
        if name in LOCAL or getattr(access_to(name), kind)[name] not in access_to(name).polyglot:
            with pytest.raises(UnsupportedLanguageError) as raised:
                await of.use(provider, language=NOBODY_S_LANGUAGE)
            assert not raised.value.retryable
            assert raised.value.hint
        honoured = provider.capabilities.options
        asked = {option: of.options[option] for option in of.options.keys() - honoured}
        with capture_logs() as logs:
            await of.use(provider, **asked)
            await of.use(provider, **asked)
    said = [(entry["provider"], entry["options"]) for entry in logs if "options" in entry]
    assert said == ([(name, sorted(asked))] if asked else [])


@pytest.mark.parametrize(("kind", "name"), REMOTE)
@virtual_time_on_sockets
async def test_a_vendor_is_asked_for_all_that_is_on_offer(kind: str, name: str) -> None:
    of = KINDS[kind]
    async with reached(of.build, name) as vendor:
        honoured = vendor.provider.capabilities.options
        usual = await _told(of, name, vendor)
        told = {
            option
            for option, value in of.options.items()
            if await _told(of, name, vendor, **{option: value}) != usual
        }
    assert told == honoured - of.unsaid - access_to(name).unsaid
