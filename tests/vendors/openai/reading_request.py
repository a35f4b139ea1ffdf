"""Reads what a realtime session is asked to say, and how, and finds what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from media.audio import AudioFormat
from tests.vendors.speech.refusal import Json

from .offer import REALTIME_VOICES
from .refusal import Wrong, check_keys, expect, unknown_value
from .transcription_config import FORMATS, format_of

__all__ = ["ReadingConfig", "read_config", "read_response", "read_voice"]

_OUTPUT = "session.audio.output."


@dataclass(frozen=True, slots=True)
class ReadingConfig:
    """How it is said."""

    format: AudioFormat = FORMATS["audio/pcm"]
    voice: str = "alloy"
    speed: float = 1.0
    instructions: str = ""


def read_config(session: Json, before: ReadingConfig, *, has_spoken: bool) -> ReadingConfig:
    """Read the `session` of a `session.update`.

    Raises:
        Wrong: something in it is not as it has to be.
    """
    if expect(session, "type", str, "session.") != "realtime":
        message = "Passing a transcription session update to a realtime session is not allowed."
        raise Wrong(message, "session.type", "invalid_value")
    check_keys(session, {"type", "output_modalities", "instructions", "audio"}, "session.")
    if session.get("output_modalities", ["audio"]) != ["audio"]:
        raise Wrong("This stand-in speaks.", "session.output_modalities", "invalid_value")
    audio = session.get("audio", {})
    check_keys(audio, {"input", "output"}, "session.audio.")
    known = {"format", "transcription", "noise_reduction", "turn_detection"}
    check_keys(audio.get("input", {}), known, "session.audio.input.")
    output = audio.get("output", {})
    check_keys(output, {"format", "voice", "speed"}, _OUTPUT)
    voice = read_voice(output.get("voice", before.voice), REALTIME_VOICES, f"{_OUTPUT}voice")
    if has_spoken and voice != before.voice:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise Wrong(message, f"{_OUTPUT}voice", "cannot_update_voice")
    speed = float(output.get("speed", before.speed))
    if not 0.25 <= speed <= 1.5:
        raise Wrong("It must be between 0.25 and 1.5.", f"{_OUTPUT}speed", "invalid_value")
    audio_format = before.format
    if "format" in output:
        audio_format = format_of(expect(output, "format", dict, _OUTPUT), f"{_OUTPUT}format")
    instructions = str(session.get("instructions", before.instructions))
    return ReadingConfig(audio_format, voice, speed, instructions)


def read_response(response: Json) -> tuple[str, Json]:
    """The text of a `response.create`, and what the client calls it.

    Raises:
        Wrong: it is not a text for a response outside any conversation.
    """
    known = {"conversation", "input", "metadata", "instructions", "output_modalities"}
    check_keys(response, known, "response.")
    if response.get("conversation") != "none":
        raise Wrong("This stand-in has no conversations.", "response.conversation", "invalid_value")
    (item,) = expect(response, "input", list, "response.")
    if (item.get("type"), item.get("role")) != ("message", "user"):
        raise Wrong("This stand-in reads a user's message.", "response.input", "invalid_value")
    (content,) = item["content"]
    if content.get("type") != "input_text" or not isinstance(content.get("text"), str):
        raise Wrong("It is no text.", "response.input[0].content", "invalid_value")
    metadata = response.get("metadata") or {}
    if not all(isinstance(value, str) and len(value) <= 512 for value in metadata.values()):
        raise Wrong("It has texts of up to 512 characters.", "response.metadata", "invalid_value")
    return content["text"], metadata


def read_voice(given: object, known: set[str], param: str) -> str:
    """A voice's name or id.

    Raises:
        Wrong: there is none such.
    """
    if isinstance(given, dict):
        check_keys(given, {"id"}, f"{param}.")
        return str(expect(given, "id", str, f"{param}."))
    if not isinstance(given, str) or given not in known:
        raise unknown_value(param, given, known)
    return given
