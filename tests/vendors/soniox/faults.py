"""What can go wrong on command, and when.

A stand-in has a list of faults for each of its two sockets. The first connection takes the first,
the next one the second; when the list is used up, it behaves.

| kind | what happens |
| --- | --- |
| `behave` | nothing: this connection is spared |
| `refuse` | the handshake: the connection is reset without an answer |
| `denied` | the handshake: HTTP 401, whatever the key |
| `busy` | the handshake: HTTP 503 |
| `error` | an error message (`code`, `error_type`), and the stream's end |
| `close` | the connection is closed in order (`code`, else 1000), with no `finished` |
| `reset` | the connection is reset |
| `stall` | it stays open; what comes is read; nothing is said any more |
| `deaf` | it stays open; nothing is read, nothing said any more |
| `garbage` | one message that makes no sense (`garbage` says which), then it goes on |
| `hold` | STT: progress with no tokens; these come with `finalize` or the stream's end |
| `trickle` | STT: after the end frame each token comes alone, `delay_ms` after the one before |
| `slow` | each message comes `delay_ms` later |

An `error` ends the TTS stream that it meets, unless its `scope` is `connection`.

A fault strikes once `at_ms` of audio have come on its connection (TTS: have been sent), and then

| when | at |
| --- | --- |
| `open` | the handshake's end, whatever `at_ms` |
| `audio` | once, at the very byte (TTS: before the next message with audio) |
| `word` | as soon as a word has begun, and has not ended |
| `interim` | after a message that had non-final tokens |
| `final` | in the place of a message that has final tokens: they are not delivered |
| `finish` | the client's end frame; TTS: the first `text_end`, in the place of the last audio |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["GARBAGE", "KINDS", "WHENS", "Fault", "fault_of"]

Kind = Literal[
    "behave",
    "refuse",
    "denied",
    "busy",
    "error",
    "close",
    "reset",
    "stall",
    "deaf",
    "garbage",
    "hold",
    "trickle",
    "slow",
]
When = Literal["open", "audio", "word", "interim", "final", "finish"]
Scope = Literal["stream", "connection"]
Garbage = Literal["text", "types", "binary", "list", "huge"]

KINDS: tuple[Kind, ...] = get_args(Kind)
WHENS: tuple[When, ...] = get_args(When)

GARBAGE: dict[Garbage, str | bytes] = {
    "text": "<html>502 Bad Gateway</html>",
    "types": '{"tokens":"none","total_audio_proc_ms":[],"stream_id":7,"audio":false}',
    "binary": b"\x00\xff\xfe" * 20,
    "list": "[1, null]",
    "huge": '{"tokens":[],"filler":"' + "x" * (8 << 20) + '"}',
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One connection's fate; see the module for what its fields mean."""

    kind: Kind
    when: When = "audio"
    at_ms: float = 0.0
    code: int | None = None
    error_type: str = "service_unavailable"
    garbage: Garbage = "text"
    delay_ms: float = 100.0
    scope: Scope = "stream"


def fault_of(text: str) -> Fault:
    """Read a fault as a shell gives it: `KIND`, `KIND:code=401,at_ms=300,when=word`.

    Raises:
        ValueError: there is no such kind, field or value.
    """
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        raise ValueError(f"no fault is called {kind!r}; there are {', '.join(KINDS)}")
    fields = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    chosen = {
        "when": _one_of(fields.pop("when", "audio"), WHENS),
        "garbage": _one_of(fields.pop("garbage", "text"), tuple(GARBAGE)),
        "scope": _one_of(fields.pop("scope", "stream"), get_args(Scope)),
        "error_type": fields.pop("error_type", "service_unavailable"),
        "at_ms": float(fields.pop("at_ms", "0")),
        "delay_ms": float(fields.pop("delay_ms", "100")),
        "code": int(fields.pop("code")) if "code" in fields else None,
    }
    if fields:
        raise ValueError(f"a fault has no {', '.join(fields)}")
    return Fault(kind, **chosen)  # type: ignore[arg-type]


def _one_of(given: str, allowed: tuple[str, ...]) -> str:
    if given not in allowed:
        raise ValueError(f"{given!r} is none of {', '.join(allowed)}")
    return given
