"""The settings of the speech vendors, under the names that are usual for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, create_model

from .catalog import VENDORS, account_of
from .declaration import Setting
from .select import Goal, Wish
from .setting_types import BaseUrl, HeaderSecret, SocketUrl, SttNames, Text, TtsNames

__all__ = ["SpeechSettings", "VendorSettings", "flattened"]

# What a setting may hold, by the name that declarations have for it, and how that is said.
_TYPES: Mapping[str, tuple[Any, str]] = {
    "key": (HeaderSecret, "a key in printable ASCII without spaces"),
    "base_url": (BaseUrl, "an https:// address, without query; http:// for loopback alone"),
    "socket_url": (SocketUrl, "a wss:// address with its path; ws:// for loopback alone"),
    "model": (Text, "a model's name"),
    "voice": (Text, "a voice's id"),
    "file": (Text, "the path of a file"),
    "text": (Text, "a text"),
}


def _field(setting: Setting) -> tuple[Any, Any]:
    """A setting as Pydantic takes it."""
    match setting.holds:
        case str(name):
            kind, wanted = _TYPES[name]
        case (int(least), int(most)):
            kind, wanted = Annotated[int, Field(ge=least, le=most)], f"a number, {least} to {most}"
        case choices:
            *others, last = map(str, choices)
            kind, wanted = Literal[choices], f"{', '.join(others)} or {last}"
    wanted = setting.wanted or wanted
    if setting.default is None:
        return kind | None, Field(default=None, description=wanted)
    return kind, Field(default=setting.default, description=wanted)


_FIELDS = {
    f"{account}_{key}": _field(setting)
    for account, vendor in VENDORS.items()
    for key, setting in vendor.settings.items()
}
if TYPE_CHECKING:
    _Declared = BaseModel
else:
    _Declared = create_model("_Declared", **_FIELDS)


class VendorSettings(_Declared):
    """One field for each variable, in lower case; the vendor's name comes first."""

    @property
    def vendor_secrets(self) -> list[str]:
        """The keys of all vendors, in the clear."""
        values = [getattr(self, key) for key in VendorSettings.model_fields]
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    def vendor(self, name: str) -> dict[str, Any]:
        """What is set for a provider's vendor, as it takes it; secrets are in the clear."""
        prefix = f"{account_of(name)}_"
        values = {
            key.removeprefix(prefix): getattr(self, key)
            for key in VendorSettings.model_fields
            if key.startswith(prefix)
        }
        return {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in values.items()
            if value is not None
        }


def flattened(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose vendors have tables, as settings that have none.

    `model` in a table `[deepgram]` is what `deepgram_model` is beside it.
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if key in VENDORS and isinstance(value, Mapping):
            flat |= {f"{key}_{name}": held for name, held in value.items()}
        else:
            flat[key] = value
    return flat


class SpeechSettings(VendorSettings):
    """How providers are chosen, what they may cost, and when a slow one gets a rival."""

    preferred_stt: SttNames = Field(default=(), description="recognizers, with commas")
    preferred_tts: TtsNames = Field(default=(), description="synthesizers, with commas")
    auto_select: bool = Field(default=False, description="true or false")
    optimize_for: Goal = Field(default="balanced", description="quality, cost, latency or balanced")
    prefer_free: bool = Field(default=False, description="true or false")
    monthly_budget_usd: float | None = Field(default=None, gt=0, description="US dollars")
    over_budget: Literal["warn", "refuse"] = Field(default="warn", description="warn or refuse")
    tts_hedge_ms: int | None = Field(
        default=None, ge=50, le=5000, description="milliseconds, 50 to 5000"
    )

    def wish(self, explicit: tuple[str, ...], preferred: tuple[str, ...]) -> Wish:
        """What is said here about a choice, besides those names."""
        return Wish(
            explicit=explicit,
            preferred=preferred,
            goal=self.optimize_for if self.auto_select else None,
            prefer_free=self.prefer_free,
        )
