"""PURE: what was of a session before it is taken up here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from providers.library.joined import Joined
from providers.types import Transcript

from .asked import SessionRequest
from .parameters import PARAMETERS

__all__ = ["Past", "joined_of", "told_of", "values_of"]

_ALONE = ("session_id", "after")


@dataclass(slots=True)
class Past:
    """A session as it stands when it begins, or is taken up.

    Attributes:
        session_id: a UUID.
        generation: which worker's writes hold: the latest that took it.
        sequence: the number of its last final transcription.
        from_ms: where in its audio its client is to send on.
        joined: all that was understood for good.
        resumed: whether it had begun before.
        told_ms: up to where in its audio each channel was understood for good, of several.
    """

    session_id: str
    generation: int = 1
    sequence: int = 0
    from_ms: int = 0
    joined: Joined = field(default_factory=lambda: Joined(words=False))
    resumed: bool = False
    told_ms: Mapping[int, int] = field(default_factory=dict)


def joined_of(messages: Iterable[bytes]) -> Joined:
    """What the messages of final transcriptions say, put together."""
    joined = Joined(words=False)
    for message in messages:
        said = orjson.loads(message)
        confidence, language = said["confidence"], said["language"]
        joined.add(Transcript(said["text"], True, confidence=confidence, language=language))
    return joined


def told_of(messages: Sequence[bytes], channels: int) -> dict[int, int]:
    """Up to where in ms each of several channels was understood for good, by the messages of final
    transcriptions."""
    told: dict[int, int] = {}
    for message in reversed(messages if channels > 1 else ()):
        said = orjson.loads(message)
        told.setdefault(said["channel"], said["end_ms"])
        if len(told) == channels:
            break
    return told


def values_of(request: SessionRequest) -> dict[str, Any]:
    """A request as JSON values, of which `asked.from_config` makes it again."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, parameter in PARAMETERS.items()
        if name not in _ALONE and (value := getattr(request, parameter.field)) is not None
    }
    return values | {"provider": ",".join(request.provider) or None}
