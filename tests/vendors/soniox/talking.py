"""What a client of Soniox says: its key, a config, and how its answers are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.vendors.speech import talking as speech
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.talking import Talk

__all__ = ["CONFIG", "FINALIZE", "KEY", "Talk", "talking", "text_of", "tokens_of"]

KEY = "stand-in-key"
CONFIG: Json = {
    "model": "stt-rt-v5",
    "audio_format": "mulaw",
    "sample_rate": 8000,
    "num_channels": 1,
    "language_hints": ["en"],
    "enable_endpoint_detection": True,
}
FINALIZE: Json = {"type": "finalize"}


def talking(
    url: str, *first: Json | str | bytes, key: str | None = KEY, **options: Any
) -> AbstractAsyncContextManager[Talk]:
    """Connect with a key, and send the first frames."""
    headers: Mapping[str, str] = {} if key is None else {"Authorization": f"Bearer {key}"}
    return speech.talking(url, *first, headers=headers, **options)


def tokens_of(messages: Iterable[Json], *, final: bool = True) -> list[Json]:
    """The tokens of some messages that are final, or that are not."""
    return [t for message in messages for t in message["tokens"] if t["is_final"] is final]


def text_of(messages: Iterable[Json]) -> str:
    """What was said for good."""
    return "".join(token["text"] for token in tokens_of(messages))
