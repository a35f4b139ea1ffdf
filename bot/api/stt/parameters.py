"""PURE: what a client may ask for, parameter by parameter: what each means and may hold.

One table, for the parsers and for the descriptions of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.audio.rate import LEAST_HZ, MOST_HZ

from . import values
from .encodings import ALIASES, ENCODINGS, encoding_named
from .faults import Fault
from .languages import language_named
from .values import Reader

__all__ = ["ASR_NAMES", "ASR_PARAMETERS", "CHANGEABLE", "KEY_NAMES", "PARAMETERS", "Parameter"]
__all__ += ["MOST_CHUNKS"]

MOST_CHUNK_BYTES = 1 << 20
MOST_CHUNKS = 10_000_000
KEY_NAMES = frozenset(
    {"api_key", "apikey", "x_api_key", "key", "token", "access_token", "auth", "authorization"}
)
"""What keys are called by clients that put them in an address; with `_` for `-`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of them.

    Attributes:
        name: as clients write it.
        field: of `SessionRequest`.
        meaning: for whoever reads the description.
        schema: what a query may hold, as JSON schema.
        read: from what a client wrote to the field's value.
        changeable: whether a `config` message may change it in a session, and before audio only
            (`start`) or at any time (`always`).
        repeatable: whether a query may have it several times.
    """

    name: str
    field: str
    meaning: str
    schema: dict[str, Any]
    read: Reader
    changeable: str = ""
    repeatable: bool = False


def _language(parameter: str, value: Any) -> str:
    # What is no text is no language's name either.
    return language_named(value if isinstance(value, str) else "")


def _encoding(parameter: str, value: Any) -> str:
    return encoding_named(value if isinstance(value, str) else "")


def _providers(parameter: str, value: Any) -> tuple[str, ...]:
    return tuple(found for found in values.names(parameter, value) if found != "default")


def _channels(parameter: str, value: Any) -> int:
    try:
        found: int = values.integer(1, 2)(parameter, value)
    except Fault:
        raise Fault(
            "bad_channels", f"{parameter}: audio has one channel or two", allowed=[1, 2]
        ) from None
    return found


def _count(
    name: str, field: str, meaning: str, least: int, most: int, changeable: str = ""
) -> Parameter:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Parameter(name, field, meaning, schema, values.integer(least, most), changeable)


def _flag(name: str, meaning: str) -> Parameter:
    return Parameter(name, name, meaning, {"type": "boolean"}, values.boolean, "always")


def _list(name: str, meaning: str) -> Parameter:
    items = {"items": {"type": "string", "maxLength": 200}, "maxItems": 1000}
    schema = {"type": ["array", "string"], **items}
    return Parameter(name, name, meaning, schema, values.texts, "always", repeatable=True)


_ALL = (
    Parameter(
        "language",
        "language",
        "What is spoken: a BCP-47 tag (`en-US`), a name (`english`), or `auto`",
        {"type": "string", "minLength": 2, "maxLength": 60, "examples": ["en-US", "arabic"]},
        _language,
        "always",
    ),
    Parameter(
        "provider",
        "provider",
        "Who recognizes: names with commas between (the others are for when the first fails),"
        " `default`, or `auto` for the best that is set up. Names with `-files` are recognizers of"
        " recordings, which get audio in pieces of `buffer_ms`",
        {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "examples": ["deepgram,soniox", "openai-files", "auto"],
        },
        _providers,
        repeatable=True,
    ),
    Parameter(
        "sample_rate",
        "sample_rate_hz",
        "Samples of bare audio a second, in Hz; containers know their own. Without it µ-law and"
        " A-law have 8000",
        {"type": "integer", "minimum": LEAST_HZ, "maximum": MOST_HZ, "examples": [16000]},
        values.integer(LEAST_HZ, MOST_HZ, "bad_sample_rate"),
        "start",
    ),
    Parameter(
        "encoding",
        "encoding",
        "What the audio is written in, in letters of either case, or a MIME type; `auto` is the"
        " container that the first bytes show",
        {"type": "string", "examples": [*ENCODINGS, *ALIASES, "audio/webm;codecs=opus"]},
        _encoding,
        "start",
    ),
    Parameter(
        "channels",
        "channels",
        "Channels of bare audio",
        {"type": "integer", "enum": [1, 2]},
        _channels,
        "start",
    ),
    Parameter(
        "stereo",
        "stereo",
        "Whether two channels are recognized as one (`mix`) or each for itself (`split`): for that"
        " bare audio needs `channels=2`",
        {"type": "string", "enum": ["mix", "split"]},
        values.choice("mix", "split"),
        "start",
    ),
    _count(
        "chunk_size",
        "chunk_bytes",
        "How many bytes the client will send at a time: recognizers get bare audio in such pieces,"
        " of 20 ms at least and 1000 ms at most",
        1,
        MOST_CHUNK_BYTES,
    ),
    _flag("interim_results", "Whether what is not final yet is told, too"),
    _flag("punctuation", "Whether texts have punctuation; without it, as the recognizer does it"),
    _flag("profanity_filter", "Whether bad words are masked, where the recognizer can"),
    _flag("diarization", "Whether words say who spoke them, where the recognizer can"),
    _list("key_terms", "Words that matter and are hard to hear, repeated or with `|` between"),
    _list("phrases", "All that is expected to be said, repeated or with `|` between"),
    _count(
        "silence_ms",
        "silence_ms",
        "After how much silence an utterance is over. Where no audio comes at all, it is 1.5 s"
        " later, or later still where pieces are long",
        100,
        10_000,
    ),
    _count(
        "buffer_ms",
        "buffer_ms",
        "How much new audio at a time, at least, goes to a recognizer of recordings (`…-files`)",
        100,
        30_000,
    ),
    _count(
        "overlap_ms",
        "overlap_ms",
        "How much of it goes there once more with the next; less than half of `buffer_ms`",
        0,
        10_000,
    ),
    Parameter(
        "model",
        "model",
        "The vendor's name of a model",
        {"type": "string", "maxLength": 200},
        values.name,
    ),
    Parameter(
        "session_id",
        "session_id",
        "A session to resume: its audio goes on at the `audio_ms` of session_started. A container"
        " begins anew there, with its head: as a recorder does that is started again",
        {"type": "string", "format": "uuid"},
        values.uuid,
    ),
    _count(
        "after",
        "after",
        "With `session_id`: the `sequence` of the last final transcription that came; what"
        " followed is told again. Of those above the `sequence` of session_started nobody knows any"
        " more",
        0,
        2**53,
    ),
)
PARAMETERS: dict[str, Parameter] = {parameter.name: parameter for parameter in _ALL}
"""What may be asked for, by name."""
CHANGEABLE = tuple(parameter.name for parameter in _ALL if parameter.changeable)
"""What a `config` message may change in a session."""

ASR_NAMES = {
    "language_code": "language",
    "sample_rate_hertz": "sample_rate",
    "enable_automatic_punctuation": "punctuation",
    "audio_channel_count": "channels",
}
"""What clients of `/ws/asr-stream` call some of them, as Google's Speech-to-Text does."""
ASR_PARAMETERS = (
    *ASR_NAMES.values(),
    "encoding",
    "interim_results",
    "profanity_filter",
    "provider",
    "phrases",
    "key_terms",
    "silence_ms",
)
"""What these clients may ask for; not a model, which would be another vendor's."""
