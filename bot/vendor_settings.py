"""The settings of the speech vendors, under the names that are usual for them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from .setting_types import HeaderSecret, SocketUrl

__all__ = ["VendorSettings"]

_SOCKET_URL = "a wss:// address with its path; ws:// for loopback alone"


class VendorSettings(BaseModel):
    """One field for each variable, in lower case; the vendor's name comes first."""

    soniox_api_key: HeaderSecret | None = Field(
        default=None, description="the key of a Soniox project, in printable ASCII without spaces"
    )
    soniox_region: Literal["us", "eu", "jp"] = Field(default="us", description="us, eu or jp")
    soniox_stt_url: SocketUrl | None = Field(default=None, description=_SOCKET_URL)
    soniox_tts_url: SocketUrl | None = Field(default=None, description=_SOCKET_URL)
    soniox_stt_model: str | None = Field(default=None, min_length=1, description="a model's name")
    soniox_tts_model: str | None = Field(default=None, min_length=1, description="a model's name")

    @property
    def vendor_secrets(self) -> list[str]:
        """The keys of all vendors, in the clear."""
        values = [getattr(self, key) for key in VendorSettings.model_fields]
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    def vendor(self, name: str) -> dict[str, Any]:
        """What is set for a vendor, as its provider takes it; secrets are in the clear."""
        prefix = f"{name}_"
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
