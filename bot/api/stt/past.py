"""PURE: what was of a session before it is taken up here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from providers.library.joined import Joined
from providers.types import Transcript

from .asked import SessionRequest
from .parameters import PARAMETERS

__all__ = ["Past", "joined_of", "values_of"]

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
    """

    session_id: str
    generation: int = 1
    sequence: int = 0
    from_ms: int = 0
    joined: Joined = field(default_factory=lambda: Joined(words=False))
    resumed: bool = False


def joined_of(messages: Iterable[bytes]) -> Joined:
    """What the messages of final transcriptions say, put together."""
    joined = Joined(words=False)
    for message in messages:
        said = orjson.loads(message)
        confidence, language = said["confidence"], said["language"]
        joined.add(Transcript(said["text"], True, confidence=confidence, language=language))
    return joined


def values_of(request: SessionRequest) -> dict[str, Any]:
    """A request as JSON values, of which `asked.from_config` makes it again."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, parameter in PARAMETERS.items()
        if name not in _ALONE and (value := getattr(request, parameter.field)) is not None
    }
    return values | {"provider": ",".join(request.provider) or None}
