"""Recordings that are sent at once: `Recognize`."""

from __future__ import annotations

from media.audio import AudioFormat
from media.files import AudioFileError
from tests.vendors.speech.caller import Caller
from tests.vendors.speech.hearing import END, Hearing, Listening, Token, transcribe
from tests.vendors.speech.wav import audio_in

from .limits import Limits
from .refusal import invalid
from .stt_request import Version, read_message, recognition_of, recognizer_of
from .stt_results import whole

__all__ = ["Recordings"]


class Recordings:
    """Answers calls with a recording.

    Args:
        hearing: gives each its recognizer.
        limits: how much it takes.
        version: of the API.
    """

    def __init__(self, hearing: Hearing, limits: Limits, version: Version) -> None:
        self._hearing = hearing
        self._limits = limits
        self._version = version

    async def serve(self, caller: Caller) -> None:
        """Answer one."""
        data = await caller.question()
        if len(data) > self._limits.file_bytes:
            raise invalid(f"Request payload size exceeds the limit: {self._limits.file_bytes}.")
        request = read_message(self._version.request, data)
        location, content = "global", b""
        if self._version.number == 2:
            location, content = recognizer_of(request.recognizer), request.content
        else:
            content = request.audio.content
        asked = recognition_of(self._version, request.config, location, self._limits)
        audio_format, audio = _decoded(asked.format, content)
        duration_ms = audio_format.duration_ms(len(audio))
        if duration_ms > self._limits.file_ms:
            raise invalid("Sync input too long. For audio longer than 1 min use BatchRecognize.")
        caller.record.audio_bytes = len(audio)
        listening = Listening(audio_format, whole_words=True)
        tokens = await transcribe(self._hearing, audio, listening)
        await caller.answer(whole(self._version, asked, _utterances(tokens), duration_ms))


def _utterances(tokens: list[Token]) -> list[list[Token]]:
    """Cut where a sentence ends."""
    cut: list[list[Token]] = [[]]
    for token in tokens:
        if token != END:
            cut[-1].append(token)
            if token.text.endswith((".", "?", "!")):
                cut.append([])
    return [tokens for tokens in cut if tokens]


def _decoded(audio_format: AudioFormat | None, data: bytes) -> tuple[AudioFormat, bytes]:
    if not data:
        raise invalid("RecognitionAudio not set.")
    if audio_format is not None:
        return audio_format, data
    try:
        return audio_in(data)
    except AudioFileError:
        raise invalid("Audio encoding could not be detected from the audio.") from None
