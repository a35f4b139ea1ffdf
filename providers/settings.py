"""The settings of the speech vendors, under the names that are usual for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from .select import Goal, Wish
from .setting_types import BaseUrl, HeaderSecret, SocketUrl, SttNames, TtsNames

__all__ = ["SpeechSettings", "VendorSettings", "flattened"]

_SOCKET_URL = "a wss:// address with its path; ws:// for loopback alone"
_BASE_URL = "an https:// address, without query; http:// for loopback alone"
_KEY = "a key in printable ASCII without spaces"
_MODEL = "a model's name"
_VOICE = "a voice's id"


class VendorSettings(BaseModel):
    """One field for each variable, in lower case; the vendor's name comes first."""

    soniox_api_key: HeaderSecret | None = Field(
        default=None, description="the key of a Soniox project, in printable ASCII without spaces"
    )
    soniox_region: Literal["us", "eu", "jp"] = Field(default="us", description="us, eu or jp")
    soniox_stt_url: SocketUrl | None = Field(default=None, description=_SOCKET_URL)
    soniox_tts_url: SocketUrl | None = Field(default=None, description=_SOCKET_URL)
    soniox_stt_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    soniox_tts_model: str | None = Field(default=None, min_length=1, description=_MODEL)

    deepgram_api_key: HeaderSecret | None = Field(default=None, description=_KEY)
    deepgram_base_url: BaseUrl | None = Field(default=None, description=_BASE_URL)
    deepgram_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    deepgram_flux_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    deepgram_language: str | None = Field(
        default=None, min_length=1, description="a BCP-47 tag, or multi"
    )
    deepgram_tts_model: str | None = Field(default=None, min_length=1, description=_VOICE)

    elevenlabs_api_key: HeaderSecret | None = Field(default=None, description=_KEY)
    elevenlabs_base_url: BaseUrl | None = Field(default=None, description=_BASE_URL)
    elevenlabs_stt_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    elevenlabs_files_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    elevenlabs_tts_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    elevenlabs_voice_id: str | None = Field(default=None, min_length=1, description=_VOICE)

    openai_api_key: HeaderSecret | None = Field(default=None, description=_KEY)
    openai_base_url: BaseUrl | None = Field(default=None, description=_BASE_URL)
    openai_org_id: str | None = Field(default=None, min_length=1, description="an organization")
    openai_project_id: str | None = Field(default=None, min_length=1, description="a project")
    openai_stt_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    openai_files_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    openai_tts_base_url: BaseUrl | None = Field(default=None, description=_BASE_URL)
    openai_tts_api_key: HeaderSecret | None = Field(default=None, description=_KEY)
    openai_tts_model: str | None = Field(default=None, min_length=1, description=_MODEL)
    openai_tts_voice: str | None = Field(default=None, min_length=1, description=_VOICE)
    openai_realtime_model: str | None = Field(default=None, min_length=1, description=_MODEL)

    whisper_model: str | None = Field(
        default=None, min_length=1, description="a model's name, or the directory of one"
    )
    whisper_device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto, cpu or cuda"
    )
    whisper_compute_type: str | None = Field(
        default=None, min_length=1, description="such as int8 or float16"
    )
    whisper_processes: int | None = Field(
        default=None, ge=1, le=64, description="a number of processes, 1 to 64"
    )

    @property
    def vendor_secrets(self) -> list[str]:
        """The keys of all vendors, in the clear."""
        values = [getattr(self, key) for key in VendorSettings.model_fields]
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    def vendor(self, name: str) -> dict[str, Any]:
        """What is set for a provider's vendor, as it takes it; secrets are in the clear."""
        # Imported here: the catalogue brings numpy, and most commands have no need of it.
        from .catalog import account_of

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
    accounts = {key.partition("_")[0] for key in VendorSettings.model_fields}
    for key, value in config.items():
        if key in accounts and isinstance(value, Mapping):
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
