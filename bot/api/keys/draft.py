"""PURE: a key as it is asked for."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.api.stt.settings import Origins

from .types import KeyLimits, Scope

__all__ = ["MOST_ORIGINS", "DraftError", "KeyDraft"]

MOST_ORIGINS = 50


class DraftError(Exception):
    """What is asked for is no key; the text has a line for each fault."""


class KeyDraft(BaseModel):
    """What a key is to be. Each description says what a field may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        min_length=1, max_length=100, description="what it is for, in 1 to 100 characters"
    )
    scopes: frozenset[Scope] = Field(
        default=frozenset({"stt"}), min_length=1, description="some of stt, stats and token"
    )
    per_minute: int | None = Field(
        default=600,
        strict=True,
        ge=1,
        le=1_000_000,
        description="requests per minute, 1 to 1000000, or null",
    )
    sessions: int | None = Field(
        default=20,
        strict=True,
        ge=1,
        le=100_000,
        description="sessions open at once, 1 to 100000, or null",
    )
    audio_s_per_day: int | None = Field(
        default=None,
        strict=True,
        ge=1,
        le=1_000_000_000,
        description="seconds of audio a day, 1 to 1000000000, or null",
    )
    origins: Origins = Field(
        default=(),
        max_length=MOST_ORIGINS,
        description="up to 50 web pages' origins such as https://example.com",
    )

    @field_validator("per_minute", "sessions", "audio_s_per_day", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        # JSON makes no difference between 60 and 60.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("origins", mode="before")
    @classmethod
    def _in_a_list(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError
        return value

    @property
    def limits(self) -> KeyLimits:
        """How much the key is to allow."""
        return KeyLimits(self.per_minute, self.sessions, self.audio_s_per_day)

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """What somebody wrote.

        Raises:
            DraftError: it is no key.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            # A key may have been written in a wrong place: what was held is not repeated.
            named = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors())
            raise DraftError("\n".join(map(_told, named))) from None


def _told(name: str) -> str:
    field = KeyDraft.model_fields.get(name)
    if field is None:
        return f"there is no field {name[:40]!r}; there are {', '.join(KeyDraft.model_fields)}"
    return f"{name}: it may hold {field.description}"
