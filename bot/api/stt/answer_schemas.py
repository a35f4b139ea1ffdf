"""PURE: JSON schemas of what the service answers over HTTP."""

from __future__ import annotations

from typing import Any

from bot.api.openapi.parts import SCHEMAS, object_

from . import schemas
from .messages import Transcription
from .parameters import PARAMETERS

__all__ = ["SHOWN", "answers"]

SHOWN = ("language", "provider", "sample_rate", "encoding", "channels")
"""What a session was asked to be, of which one is told that looks at it."""
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}
_CONFIDENCE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
_NAMES = {"type": "array", "items": _TEXT}
_ID = {"type": "string", "format": "uuid"}


def answers() -> dict[str, Any]:
    """What answers are made of, by name."""
    transcript = object_({"text": _TEXT, "confidence": _CONFIDENCE})
    results = {"type": "array", "items": {"$ref": SCHEMAS + "Transcription"}}
    chunk = object_(
        {
            "session_id": _ID,
            "chunk_index": _COUNT,
            "duplicate": {"type": "boolean", "description": "It had come before"},
            "status": {
                "enum": ["waiting", "active", "ended"],
                "description": "`waiting`: the chunk is kept, but was not heard yet",
            },
            "results": {
                **results,
                "description": "The finals since the answer before, and what is not final yet",
            },
            "transcript": {**transcript, "description": "All finals together"},
            "audio_ms": {**_COUNT, "description": "How much audio was heard"},
            "ignored": {**_NAMES, "description": "What came with the chunk and means nothing"},
            "not_honoured": {
                **_NAMES,
                "description": "Parameters of the session of which who recognizes makes nothing",
            },
        }
    )
    asked = {name: PARAMETERS[name].schema["type"] for name in SHOWN}
    session = object_(
        {
            "session_id": _ID,
            "status": {"enum": ["active", "ended"]},
            "reason": {"type": ["string", "null"], "description": "Why it has ended"},
            **{
                name: {"type": [kind, "null"], "description": PARAMETERS[name].meaning}
                for name, kind in asked.items()
            },
            "provider": {
                "type": ["string", "null"],
                "description": "As it was asked for, null being the default; each of the results"
                " says who recognized it",
            },
            "sequence": {**_COUNT, "description": "Of the last final transcription"},
            "chunks": {**_COUNT, "description": "How many came by HTTP"},
            "audio_ms": _COUNT,
            "expires_after_s": {"type": "number", "minimum": 0},
            "transcript": transcript,
            "results": results,
        }
    )
    exact = {"additionalProperties": False}
    return {
        **schemas.exact([Transcription]),
        "Chunk": {**chunk, **exact},
        "Session": {**session, **exact},
        "Stats": _stats_schema(),
        "Health": _health_schema(),
    }


def _stats_schema() -> dict[str, Any]:
    doors = object_(dict.fromkeys(("stream", "asr", "chunk", "all"), _COUNT))
    sessions = {
        "active": {**doors, "description": "That go on now"},
        "begun": {**doors, "description": "Since the workers began, as all that follows"},
        "resumed": doors,
        "ended": {**_COUNTS, "description": "By the reason"},
        "interrupted": {
            **_COUNTS,
            "description": "That broke off, and may be resumed, by the error",
        },
        "connections_lost": _COUNT,
    }
    provider = object_({"states": _COUNTS, "errors": _COUNT})
    switch = object_({"from": _TEXT, "to": _TEXT, "count": _COUNT})
    quantile = {"type": ["number", "null"], "minimum": 0}
    latency = object_({"count": _COUNT, "p50": quantile, "p95": quantile})
    return object_(
        {
            "shared": {
                "type": "boolean",
                "description": "Whether they are of all workers; else Redis is away, and they are"
                " of this one",
            },
            "workers": {**_COUNT, "description": "How many are in the sums"},
            "sessions": object_(sessions),
            "audio_s": {"type": "number", "minimum": 0, "description": "How much audio was taken"},
            "providers": {
                "type": "object",
                "description": "How many workers see each recognizer in which state, and how often"
                " it has failed",
                "additionalProperties": provider,
            },
            "switches": {"type": "array", "items": switch},
            "latencies_ms": {
                **object_(dict.fromkeys(("start", "interim", "final"), latency)),
                "description": "Until a session had begun; from speech to its first words; from"
                " its end to the final transcription",
            },
        }
    )


def _health_schema() -> dict[str, Any]:
    states = {"type": "object", "additionalProperties": _TEXT}
    return object_(
        {
            "status": _TEXT,
            "calls": _COUNT,
            "sessions": _COUNT,
            "providers": {
                **object_({"stt": states, "tts": states}),
                "description": "Each is `well`, or rests for a kind of error",
            },
        }
    )
