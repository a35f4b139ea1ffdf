"""PURE: the settings of the streaming speech-to-text service."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from bot.numbers import Language

__all__ = ["ASR_VARIABLES", "Origins", "SttServiceSettings"]

ASR_VARIABLES = (
    "DEFAULT_LANGUAGE_CODE",
    "DEFAULT_SAMPLE_RATE_HERTZ",
    "STREAMING_INTERIM_RESULTS",
    "ENABLE_AUTOMATIC_PUNCTUATION",
)
"""What clients of `/ws/asr-stream` and their deployments call these settings already."""

# A browser sends scheme, name and port, without a path: nothing else would ever match.
_ORIGIN = re.compile(
    r"https?://([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?"
)


def _listed(origins: object) -> object:
    if isinstance(origins, str):
        return tuple(part.strip() for part in origins.split(",") if part.strip())
    return origins


def _are_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    lowered = tuple(origin.lower() for origin in origins)
    for origin in lowered:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError
        _ = urlsplit(origin).port  # raises ValueError when there is none so high
    return lowered


Origins = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_are_origins)]
"""Of web pages, as browsers send them (RFC 6454), with commas between."""


class SttServiceSettings(BaseModel):
    """How the service is used. Each description says what a field may hold."""

    stt_max_sessions: int = Field(
        default=200, ge=0, le=100_000, description="a number of sessions; 0 closes the service"
    )
    stt_max_session_s: float = Field(
        default=14_400.0, ge=1, le=86_400, description="seconds, 1 to 86400"
    )
    stt_idle_s: float = Field(default=300.0, ge=1, le=3600, description="seconds, 1 to 3600")
    stt_end_s: float = Field(default=3.0, ge=0.1, le=300, description="seconds, 0.1 to 300")
    stt_silence_ms: int = Field(
        default=700, ge=100, le=10_000, description="milliseconds, 100 to 10000"
    )
    stt_buffer_ms: int = Field(
        default=1000, ge=100, le=30_000, description="milliseconds, 100 to 30000"
    )
    stt_overlap_ms: int = Field(default=200, ge=0, le=2000, description="milliseconds, 0 to 2000")
    stt_max_message_bytes: int = Field(
        default=1024 * 1024, ge=65_536, le=16 * 1024 * 1024, description="bytes, 64 KiB to 16 MiB"
    )
    stt_origins: Origins = Field(
        default=(), description="web pages' origins such as https://example.com, with commas"
    )

    default_language_code: Language = Field(
        default="ar-EG", description="a BCP-47 tag such as en-US"
    )
    default_sample_rate_hertz: int = Field(
        default=16_000, ge=4_000, le=192_000, description="samples per second, 4000 to 192000"
    )
    streaming_interim_results: bool = Field(default=True, description="true or false")
    enable_automatic_punctuation: bool = Field(default=True, description="true or false")
