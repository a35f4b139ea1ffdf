"""The speech library's face: files, streams, voices and health, of whichever providers.

::

    async with VoiceProcessor(stt_provider="deepgram") as speech:
        print((await speech.transcribe_file("talk.mp3")).text)
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from media.audio import AudioFormat

from .audio import LIMITS, Limits, OpenAudio, Target, open_audio
from .audio.container import container_called
from .config import read_config
from .fallback import Fallback
from .ledger import Ledger
from .library.checkup import Checkup, check
from .library.chosen import Chosen
from .library.listening import Listening, listening
from .library.logs import log_as_python_does
from .library.one_loop import Hearing, OneLoop
from .library.overview import ProviderInfo, overview
from .library.session import SessionInfo, StreamingSession
from .library.sessions import Sessions, SessionStatistics
from .library.speaker import PCM16_24K, speak, speak_whole
from .library.transcription import AsStream, ByDoor, Progress, Transcriber, transcribe_by_one_of
from .options import SttOptions, TtsOptions
from .results import AudioData, ContainerName, StreamingResult, SynthesisResult, TranscriptionResult
from .types import SynthesisChunk, Voice
from .usage import Use

__all__ = ["VoiceProcessor"]

Names = str | Sequence[str]
"""A provider's name, or several, the preferred one first."""


class VoiceProcessor:
    """Speech in, text out, and the other way round.

    It may be made anywhere; its methods belong to one event loop at a time, until `aclose`. As a
    context manager it closes itself. What is not used is neither imported nor started.

    Args:
        stt_provider: who recognizes; None leaves it to the configuration.
        tts_provider: who speaks; None likewise.
        config: a dictionary, or the path of a TOML or YAML file; see `providers.config`. The
            environment counts too.
        limits: how much audio is taken.
        ledger: where uses are kept for a monthly budget; None counts this processor's alone.
        clock: seconds, by which sessions are idle.

    Raises:
        UnsupportedError: there is no such provider, or a setting holds what it may not.
        MissingKeyError: a provider that is named here is not configured.
        FileError: the configuration cannot be read.
    """

    def __init__(
        self,
        stt_provider: Names | None = None,
        tts_provider: Names | None = None,
        config: Mapping[str, Any] | str | Path | None = None,
        *,
        limits: Limits = LIMITS,
        ledger: Ledger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        log_as_python_does()
        stt, tts = _names(stt_provider), _names(tts_provider)
        settings = read_config(config)
        self._chosen = Chosen(settings, stt, tts, ledger)
        self._hedge_ms = settings.tts_hedge_ms
        self._limits = limits
        self._sessions = Sessions(clock)
        self._hearing = Hearing()
        self._one_loop = OneLoop()

    async def __aenter__(self) -> VoiceProcessor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End all sessions and release all providers. It may be used again, on any event loop.

        Raises:
            UnavailableError: it is in use on another event loop.
            SessionCleanupError: a session could not be ended in order; all is released.
        """
        self._one_loop.enter()
        self._one_loop.leave()
        async with AsyncExitStack() as last:
            last.push_async_callback(self._chosen.aclose)
            if (ears := self._hearing.forget()) is not None:
                last.callback(ears.close)
            await self._sessions.aclose()

    # Recordings

    async def transcribe_file(
        self,
        path: str | Path,
        options: SttOptions | None = None,
        *,
        format: AudioFormat | None = None,
        progress: Progress | None = None,
    ) -> TranscriptionResult:
        """Understand a file of any kind.

        Args:
            path: the file.
            options: how to recognize.
            format: of raw audio, where the name (`.ulaw`, `.alaw`) does not tell.
            progress: is told how many ms are done, and how many there are if that is known.

        Raises:
            FileError, AudioError: the file cannot be used.
            ProviderError: nobody can understand it.
        """
        return await self._transcribe(Path(path), format, options, progress)

    async def transcribe(
        self,
        audio: AudioData | bytes | bytearray | memoryview,
        options: SttOptions | None = None,
        *,
        progress: Progress | None = None,
    ) -> TranscriptionResult:
        """Understand audio, or a file's bytes; otherwise as `transcribe_file`."""
        if isinstance(audio, bytes | bytearray | memoryview):
            return await self._transcribe(bytes(audio), None, options, progress)
        if not isinstance(audio, AudioData):
            raise TypeError(f"{type(audio).__name__} is no audio; of a path see transcribe_file")
        format = audio.format if audio.container == "raw" else None
        return await self._transcribe(audio.data, format, options, progress)

    async def _transcribe(
        self,
        what: Path | bytes,
        format: AudioFormat | None,
        options: SttOptions | None,
        progress: Progress | None,
    ) -> TranscriptionResult:
        def opened() -> AbstractAsyncContextManager[OpenAudio]:
            return open_audio(what, format, self._limits)

        self._one_loop.enter()
        transcribers = self._transcribers()
        self._chosen.watch()
        return await transcribe_by_one_of(
            transcribers, opened, options or SttOptions(), progress or _nobody
        )

    def _transcribers(self) -> list[Transcriber]:
        """In the order of preference; those without a door for files are one, which fails over."""
        names = self._chosen.transcribers()
        doors = {name: self._chosen.door(name) for name in names}
        streams = [self._chosen.recognizer(name) for name in names if doors[name] is None]
        found: list[Transcriber] = []
        for door in doors.values():
            if door is not None:
                found.append(ByDoor(door))
            elif streams:
                found.append(AsStream(Fallback(streams), self._hearing.ears))
                streams = []
        return found

    # Texts

    async def synthesize(
        self,
        text: str,
        options: TtsOptions | None = None,
        *,
        container: ContainerName = "wav",
        format: AudioFormat = PCM16_24K,
        progress: Progress | None = None,
    ) -> SynthesisResult:
        """Speak a text into a file's bytes.

        Args:
            text: of any length, up to an hour of speech.
            options: how to speak.
            container: the kind of file.
            format: its rate; of `raw` the encoding too.
            progress: is told how many characters are spoken, and how many there are.

        Raises:
            UnsupportedFormatError, UnsupportedRateError, ConversionError: there is no such file.
            AudioTooLargeError: it takes more than an hour.
            ProviderError: nobody can speak it.
        """
        self._one_loop.enter()
        target = Target(container_called(container), format)
        tts = self._chosen.synthesizers()
        self._chosen.watch()
        options = options or TtsOptions()
        return await speak_whole(tts, text, options, target, self._hedge_ms, progress or _nobody)

    async def synthesize_stream(
        self,
        text: str,
        options: TtsOptions | None = None,
        *,
        format: AudioFormat = PCM16_24K,
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """Speak a text as it becomes audio, in `format`, mono. Closing the iterator stops it.

        Raises (from the iterator):
            CutOffError: a provider failed in the last sentence, after some of it was given.
            ProviderError: nobody can speak it.
        """
        self._one_loop.enter()
        tts = self._chosen.synthesizers()
        self._chosen.watch()
        options = options or TtsOptions()
        async with aclosing(speak(tts, text, options, format, self._hedge_ms)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices of all synthesizers in use, perhaps for one language (BCP-47) only.

        Raises:
            ProviderError: one cannot be asked.
        """
        self._one_loop.enter()
        found: list[Voice] = []
        for candidate in self._chosen.synthesizers().candidates:
            voices = await candidate.provider.voices(language)
            found += [replace(voice, provider=candidate.name) for voice in voices]
        return found

    # Streaming sessions

    async def start_streaming_transcription(self, options: SttOptions | None = None) -> str:
        """Begin a session; returns its id, a UUID.

        Args:
            options: how to recognize; `audio` is the format of what `stream_audio` will take.

        Raises:
            CapacityError: there are a hundred sessions.
            UnavailableError: `aclose` was called meanwhile.
            ProviderError: nobody can recognize it.
        """
        self._one_loop.enter()
        self._chosen.recognizers()  # before the model is loaded: there may be none
        ears = await self._hearing.ears()
        stt = self._chosen.recognizers()
        self._chosen.watch()

        def listen(session: StreamingSession) -> AbstractAsyncContextManager[Listening]:
            return listening(stt, ears, options or SttOptions(), session)

        return await self._sessions.start(listen)

    async def stream_audio(self, session_id: str, chunk: bytes) -> None:
        """Hand over audio; returns when more may come, at the pace that the recognizer takes.

        Raises:
            UnavailableError: the session was stopped, or all were, before all of it was sent.
            SessionNotFoundError: there is no session of that id, or it was stopped.
            SessionExpiredError: it was not used for five minutes.
            ProviderError: recognition has failed.
        """
        self._one_loop.enter()
        await self._sessions.send(session_id, chunk)

    def get_streaming_results(
        self, session_id: str, timeout: float | None = None
    ) -> AsyncIterator[StreamingResult]:
        """The results of a session, until it is stopped or none came for `timeout` seconds.

        Who leaves the iterator may go on with it, or with another one: no result is lost.

        Raises:
            SessionNotFoundError, SessionExpiredError: as `stream_audio`.
            SessionActiveError (from the iterator): somebody else waits for the next one.
            ProviderError (from the iterator): recognition has failed.
        """
        return self._sessions.results(session_id, timeout)

    async def stop_streaming_transcription(self, session_id: str) -> TranscriptionResult:
        """End a session, when its last words are understood; returns all of them.

        Audio that is still being sent has ten seconds to get through.

        Raises:
            SessionNotFoundError, SessionExpiredError: as `stream_audio`.
            SessionCleanupError: it could not be ended in order.
            ProviderError: recognition has failed.
        """
        self._one_loop.enter()
        return await self._sessions.stop(session_id)

    async def cleanup_sessions(self) -> int:
        """End idle sessions now; it is done every 15 s too. Returns how many.

        Raises:
            SessionCleanupError: some could not be ended in order; they are gone all the same.
        """
        return await self._sessions.cleanup()

    def sessions(self) -> list[SessionInfo]:
        """How the sessions stand."""
        return self._sessions.infos()

    def session_statistics(self) -> SessionStatistics:
        """What became of all sessions."""
        return self._sessions.statistics()

    # Providers

    async def health(self, *, all_configured: bool = False) -> list[Checkup]:
        """See, by a small request to each, whether providers are well, and how fast.

        Args:
            all_configured: whether to ask all that could be used; else those that are in use.

        Raises:
            UnsupportedError, MissingKeyError: none is configured, or one that was named.
        """
        self._one_loop.enter()
        chosen = self._chosen
        return await check(chosen, chosen.configured() if all_configured else chosen.in_use())

    def providers(self) -> list[ProviderInfo]:
        """What is known of every provider there is, and what it lacks to be used."""
        return overview(self._chosen)

    def usage(self) -> list[Use]:
        """What was used of each provider, and what that costs by its list."""
        return self._chosen.account.meter.uses()


def _names(given: Names | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _nobody(done: float, whole: float | None) -> None:
    """Who does not want to know how far it got."""
