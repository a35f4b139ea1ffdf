"""PURE: what a client asks a session to be, from a query, a form or a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from media.audio import AudioFormat, Encoding
from providers.options import AUTO

from . import values
from .encodings import StreamContainer, raw
from .faults import Fault
from .parameters import ASR_NAMES, ASR_PARAMETERS, CHANGEABLE, KEY_NAMES, MOST_CHUNKS, PARAMETERS

__all__ = ["AskedChunk", "SessionRequest", "changed", "chunk_from_form", "from_asr_config"]
__all__ += ["from_config", "from_form", "from_query"]

_G711_HZ = 8_000
_LEAST_PIECE_MS, _MOST_PIECE_MS = 20.0, 1000.0
_MOST_IGNORED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What a session is to be; its field defaults are those of a client that asks for nothing.

    Attributes:
        language: a BCP-47 tag, or `auto`.
        provider: the recognizer to use and those for when it fails; empty is the worker's default,
            `auto` the best that is configured.
        sample_rate_hz: of bare samples.
        encoding: one of `encodings.ENCODINGS`.
        channels: 1 or 2, of bare samples.
        stereo: whether two channels are mixed or recognized apart; to ask for `split` says that
            there are two.
        chunk_bytes: how many bytes the client will send at a time.
        interim_results: whether what is not final is told.
        punctuation: whether texts have it; None is as the recognizer does it.
        profanity_filter: whether bad words are masked.
        diarization: whether words say who spoke them.
        key_terms: words that are hard to hear.
        phrases: all that is expected to be said; empty for free speech.
        silence_ms: after how much silence an utterance is over.
        buffer_ms: how much audio at a time goes to recognizers of recordings.
        overlap_ms: how much of it goes there twice.
        model: the vendor's name of a model.
        session_id: a session to resume (or, in chunks, to begin under that UUID).
        after: the `sequence` of the last final transcription that the client has.
        ignored: names that the client gave and that mean nothing here.
    """

    language: str = "en-US"
    provider: tuple[str, ...] = ()
    sample_rate_hz: int = 16_000
    encoding: str = str(Encoding.PCM16)
    channels: Literal[1, 2] = 1
    stereo: Literal["mix", "split"] = "mix"
    chunk_bytes: int | None = None
    interim_results: bool = True
    punctuation: bool | None = None
    profanity_filter: bool = False
    diarization: bool = False
    key_terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    silence_ms: int = 700
    buffer_ms: int = 1000
    overlap_ms: int = 200
    model: str | None = None
    session_id: str | None = None
    after: int = 0
    ignored: tuple[str, ...] = field(default=(), compare=False)

    @property
    def format(self) -> AudioFormat | None:
        """What the samples are like; None when they come in a container."""
        encoding = raw(self.encoding)
        if encoding is None:
            return None
        return AudioFormat(encoding, self.sample_rate_hz, self.channels)

    @property
    def container(self) -> StreamContainer | None:
        """What the samples are wrapped in; None when they are bare."""
        return None if raw(self.encoding) else cast(StreamContainer, self.encoding)

    @property
    def streams(self) -> int:
        """How many channels are recognized apart."""
        return 2 if self.stereo == "split" else 1

    @property
    def piece_ms(self) -> float | None:
        """How much audio recognizers are to get at a time; None is as they like it."""
        if self.chunk_bytes is None or self.format is None:
            return None
        return min(max(self.format.duration_ms(self.chunk_bytes), _LEAST_PIECE_MS), _MOST_PIECE_MS)


@dataclass(frozen=True, slots=True)
class AskedChunk:
    """What came with a chunk of audio over HTTP.

    Attributes:
        index: the chunk's number, from 0; None when the client does not count.
        last: whether it is the session's last one.
    """

    request: SessionRequest
    index: int | None
    last: bool


def from_query(pairs: Iterable[tuple[str, str]], defaults: SessionRequest) -> SessionRequest:
    """What the query of an address asks for.

    Raises:
        Fault: a value is not allowed, or there is a key in it.
    """
    given = list(pairs)
    for name, _ in given:
        if name.lower().replace("-", "_") in KEY_NAMES:
            raise Fault(
                "key_in_url",
                "a key or token in an address is kept by logs: send it in a header, and have"
                " another one made",
                allowed=["Authorization: Bearer …", "Sec-WebSocket-Protocol: parley.auth.…"],
            )
    return _made(_gathered(given), defaults)


def from_form(pairs: Iterable[tuple[str, str]], defaults: SessionRequest) -> SessionRequest:
    """What the fields of a form ask for. Raises as `from_query` does."""
    return _made(_gathered(pairs), defaults)


def chunk_from_form(pairs: Iterable[tuple[str, str]], defaults: SessionRequest) -> AskedChunk:
    """What the fields of a form with a chunk say. Raises as `from_query` does."""
    fields = _gathered(pairs)
    index, last = fields.pop("chunk_index", None), fields.pop("is_final_chunk", None)
    return AskedChunk(
        _made(fields, defaults),
        None if index is None else values.integer(0, MOST_CHUNKS)("chunk_index", index),
        last is not None and values.boolean("is_final_chunk", last),
    )


def from_config(config: Mapping[str, Any], defaults: SessionRequest) -> SessionRequest:
    """What a `config` message asks for; `null` is as if it were not there.

    Raises:
        Fault: a value is not allowed.
    """
    given = {name: value for name, value in config.items() if value is not None}
    given.pop("type", None)
    return _made(given, defaults)


def changed(config: Mapping[str, Any], request: SessionRequest, *, begun: bool) -> SessionRequest:
    """A session's request as a `config` message changes it; `begun` is whether audio has come.

    Raises:
        Fault: a value is not allowed, or it can be changed no more.
    """
    wanted = from_config(config, request)
    for name, parameter in PARAMETERS.items():
        open_ = parameter.changeable == "always" or (parameter.changeable and not begun)
        if not open_ and getattr(wanted, parameter.field) != getattr(request, parameter.field):
            when = "once audio has come" if parameter.changeable else "in a session"
            allowed = [n for n in CHANGEABLE if PARAMETERS[n].changeable == "always" or not begun]
            raise Fault("bad_config", f"{name}: it cannot be changed {when}", allowed=allowed)
    return wanted


_WRAPPERS = ("streaming_config", "config")


def from_asr_config(config: Mapping[str, Any], defaults: SessionRequest) -> SessionRequest:
    """What the first message of `/ws/asr-stream` asks for.

    It may be wrapped, as in `{"config": {…}}` or `{"streaming_config": {"config": {…}}}`, and its
    names may be in camel case. Without a rate it has the default's, whatever the encoding.

    Raises:
        Fault: a value is not allowed.
    """
    given: dict[str, Any] = {}
    written: dict[str, str] = {}
    _unwrap(config, given, written, depth=0)
    known = {name: value for name, value in given.items() if name in ASR_PARAMETERS}
    known.setdefault("sample_rate", defaults.sample_rate_hz)
    ignored = [name for name in given if name not in ASR_PARAMETERS]
    try:
        request = _made(known, defaults)
    except Fault as fault:
        raise _in_words_of(fault, written) from None
    return replace(request, ignored=tuple(ignored[:_MOST_IGNORED]))


def _unwrap(
    config: Mapping[str, Any], given: dict[str, Any], written: dict[str, str], depth: int
) -> None:
    """Gather values by our names, and what the client calls each."""
    for theirs, value in config.items():
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", theirs).lower()
        if name in _WRAPPERS and isinstance(value, Mapping) and depth < len(_WRAPPERS):
            _unwrap(value, given, written, depth + 1)
        elif value is not None and name != "type":
            name = ASR_NAMES.get(name, name)
            given[name], written[name] = value, theirs


def _in_words_of(fault: Fault, written: Mapping[str, str]) -> Fault:
    """A fault that names a parameter, for a client that calls it otherwise."""
    name, colon, text = fault.text.partition(":")
    return Fault(fault.code, f"{written.get(name, name)}{colon}{text}", allowed=fault.allowed)


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Values by their names; an empty one is as if it were not there."""
    gathered: dict[str, Any] = {}
    for name, value in pairs:
        parameter = PARAMETERS.get(name)
        if not value:
            continue
        if parameter is not None and parameter.repeatable:
            gathered.setdefault(name, []).append(value)
        elif gathered.setdefault(name, value) != value and parameter is not None:
            raise Fault(
                "bad_config",
                f"{name}: it is there twice, with different values",
                allowed={"maxItems": 1},
            )
    return gathered


def _made(given: Mapping[str, Any], defaults: SessionRequest) -> SessionRequest:
    read = {
        parameter.field: parameter.read(name, given[name])
        for name, parameter in PARAMETERS.items()
        if name in given
    }
    ignored = tuple(name[:100] for name in given if name not in PARAMETERS)[:_MOST_IGNORED]
    request = replace(defaults, **read, ignored=ignored)
    telephone = "encoding" in given and raw(request.encoding) in (Encoding.ULAW, Encoding.ALAW)
    if telephone and "sample_rate" not in given:
        request = replace(request, sample_rate_hz=_G711_HZ)
    _check(request)
    return request


def _check(request: SessionRequest) -> None:
    """See that parameters go together.

    Raises:
        Fault: they do not.
    """
    if request.overlap_ms * 2 >= request.buffer_ms:
        raise Fault(
            "bad_config",
            "overlap_ms: it must be less than half of buffer_ms",
            allowed={"maximum": (request.buffer_ms - 1) // 2},
        )
    if request.stereo == "split" and request.format is not None and request.channels == 1:
        raise Fault(
            "bad_config",
            "stereo: bare audio of one channel cannot be split: say channels=2 if it has two",
            allowed=["mix"],
        )
    if AUTO in request.provider and len(request.provider) > 1:
        raise Fault("bad_config", "provider: auto stands alone", allowed=["auto", "default"])
    if request.after and request.session_id is None:
        raise Fault("bad_config", "after: it goes with session_id alone", allowed=["session_id"])
