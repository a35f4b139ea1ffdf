"""Which bot answers: the settings that the called number chooses."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from providers.setting_types import known_stt, known_tts, listed

__all__ = [
    "LANGUAGE",
    "PHONE_NUMBER",
    "BotSettings",
    "Language",
    "NumberTable",
    "PhoneNumber",
    "SttNames",
    "TtsNames",
    "provider_names",
]

PHONE_NUMBER = r"^\+[1-9][0-9]{1,14}$"
"""E.164, as a JSON schema has it too."""

PhoneNumber = Annotated[str, StringConstraints(pattern=PHONE_NUMBER)]
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
"""A BCP-47 tag."""
Language = Annotated[str, StringConstraints(pattern=LANGUAGE)]


def provider_names(names: str) -> list[str]:
    """The providers of a setting, the preferred one first."""
    return names.split(",")


def _joined(names: object) -> object:
    """A list, as TOML has it, with commas between."""
    return ",".join(map(str, names)) if isinstance(names, list) else names


def _known_stt(names: str) -> str:
    return ",".join(known_stt(listed(names)))


def _known_tts(names: str) -> str:
    return ",".join(known_tts(listed(names)))


SttNames = Annotated[str, BeforeValidator(_joined), AfterValidator(_known_stt)]
"""Recognizers, with commas between them."""
TtsNames = Annotated[str, BeforeValidator(_joined), AfterValidator(_known_tts)]
"""Likewise synthesizers."""


class BotSettings(BaseModel):
    """What answers one number.

    Attributes:
        dialog: the dialog hook, as `PARLEY_DIALOG` names it.
        language: BCP-47 tag of what is spoken.
        voice: the synthesizer's voice id; None is the provider's own choice. With several
            synthesizers one for each, with commas between; those left out choose by themselves.
        stt_provider, tts_provider: names in `providers.catalog`, with commas between: the next one
            takes over from one that fails.
        fallback_number: who is dialled (E.164) when no bot can answer; None is nobody.
    """

    model_config = ConfigDict(frozen=True)

    dialog: str
    language: str
    voice: str | None
    stt_provider: str
    tts_provider: str
    fallback_number: str | None


class NumberTable(BaseModel):
    """A table `[numbers."+15551234567"]` of the TOML file: what differs from the default.

    The settings have the names that they have at the top of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dialog: str | None = Field(
        default=None, min_length=1, description="module:name or a built-in dialog"
    )
    language: Language | None = Field(default=None, description="a BCP-47 tag such as en-US")
    voice: str | None = Field(
        default=None, min_length=1, description="a voice id of the synthesizer"
    )
    stt_provider: SttNames | None = Field(default=None, description="a speech-to-text provider")
    tts_provider: TtsNames | None = Field(default=None, description="a text-to-speech provider")
    fallback_number: PhoneNumber | None = Field(
        default=None, description="a phone number in E.164 form such as +15551234567"
    )
