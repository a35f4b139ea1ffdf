"""What can go wrong on command, and when.

A stand-in has a list of faults for each of its services. The service's first connection or request
takes the first, the next one the second; when the list is used up, it behaves.

| kind | what happens to a WebSocket | and to an HTTP request |
| --- | --- | --- |
| `behave` | nothing: this one is spared | the same |
| `refuse` | the connection is reset without an answer | the same |
| `denied` | the handshake: HTTP 401, whatever the key | 401 |
| `busy` | the handshake: HTTP 503 | 503 |
| `limited` | the handshake: HTTP 429, with `retry_after_s` | 429 |
| `quota` | the handshake: what the vendor says when nothing is left of a quota | the same |
| `error` | an error message (`code`, `error_type`), and the stream's end | an error with `code` |
| `close` | it is closed in order (`code`, else 1000), too early | TCP's FIN in mid-answer |
| `reset` | the connection is reset | the same, in mid-answer |
| `stall` | it stays open; what comes is read; nothing is said any more | the same, in mid-answer |
| `deaf` | it stays open; nothing is read, nothing said any more | the same, from the head on |
| `garbage` | one message makes no sense (`garbage` says which) | the answer is that instead |
| `hold` | STT: progress with no tokens; they come when the stream is finalized, or ends | - |
| `trickle` | STT: after the end each token comes alone, `delay_ms` after the one before | - |
| `slow` | each message comes `delay_ms` later | the answer comes `delay_ms` later |

Where a connection has several streams, an `error` ends the one that it meets, unless its `scope`
is `connection`.

On a WebSocket a fault strikes once `at_ms` of audio have come (TTS: have been sent), and then

| when | at |
| --- | --- |
| `open` | the handshake's end, whatever `at_ms` |
| `audio` | once, at the very byte (TTS: before the next message with audio) |
| `word` | as soon as a word has begun, and has not ended |
| `interim` | after a message that had non-final tokens |
| `final` | in the place of a message that has final tokens: they are not delivered |
| `finish` | the client's end frame; TTS: the first end of a text, in the place of the last audio |

"Mid-answer" is after `at_bytes` of an HTTP answer's body; at 0 not even the head comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["GARBAGE", "KINDS", "WHENS", "Fault", "Garbage", "Kind", "When", "fault_of"]

Kind = Literal[
    "behave",
    "refuse",
    "denied",
    "busy",
    "limited",
    "quota",
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
    "types": '{"tokens":"none","total_audio_proc_ms":[],"stream_id":7,"audio":false,"type":[],'
    '"text":{},"detail":0,"error":true}',
    "binary": b"\x00\xff\xfe" * 20,
    "list": "[1, null]",
    "huge": '{"tokens":[],"filler":"' + "x" * (8 << 20) + '"}',
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; the module says what its fields mean.

    `error_type` is the vendor's own name for what happened; None is what it calls that `code`.
    """

    kind: Kind
    when: When = "audio"
    at_ms: float = 0.0
    code: int | None = None
    error_type: str | None = None
    garbage: Garbage = "text"
    delay_ms: float = 100.0
    scope: Scope = "stream"
    retry_after_s: float = 1.0
    at_bytes: int = 0


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
        "error_type": fields.pop("error_type", None),
        "at_ms": float(fields.pop("at_ms", "0")),
        "delay_ms": float(fields.pop("delay_ms", "100")),
        "code": int(fields.pop("code")) if "code" in fields else None,
        "retry_after_s": float(fields.pop("retry_after_s", "1")),
        "at_bytes": int(fields.pop("at_bytes", "0")),
    }
    if fields:
        raise ValueError(f"a fault has no {', '.join(fields)}")
    return Fault(kind, **chosen)  # type: ignore[arg-type]


def _one_of(given: str, allowed: tuple[str, ...]) -> str:
    if given not in allowed:
        raise ValueError(f"{given!r} is none of {', '.join(allowed)}")
    return given
