"""What a provider needs before it can be used: a key, a package, a model."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .catalog import account_of

__all__ = ["missing"]


@dataclass(frozen=True, slots=True)
class _Needs:
    """One of `settings` must be set, and `package`, which the extra of that name brings, there."""

    settings: tuple[str, ...] = ()
    package: str | None = None
    extra: str = ""


_NEEDS = {
    "soniox": _Needs(("api_key",)),
    "deepgram": _Needs(("api_key",)),
    "elevenlabs": _Needs(("api_key",)),
    "openai": _Needs(("api_key",)),
    "whisper": _Needs(("model",), "faster_whisper", "whisper"),
    "pocketsphinx": _Needs((), "pocketsphinx", "pocketsphinx"),
    "espeak": _Needs((), "espeakng_loader", "espeak"),
}
# A server of one's own that speaks as OpenAI does may need no key.
_OWN_SERVER = {("tts", "openai"): "tts_base_url", ("files", "openai"): "base_url"}


def missing(kind: str, name: str, settings: Mapping[str, Any]) -> str | None:
    """What to do before a provider can be used; None when nothing is missing.

    Args:
        kind: `stt`, `files` or `tts`.
        name: of the provider.
        settings: its account's, as `VendorSettings.vendor` gives them.
    """
    account = account_of(name)
    needs = _NEEDS.get(account, _Needs())
    if needs.package is not None and importlib.util.find_spec(needs.package) is None:
        return f"install parley[{needs.extra}] for {name}"
    own_server = _OWN_SERVER.get((kind, name))
    wanted = needs.settings if own_server is None else (*needs.settings, own_server)
    if wanted and not any(settings.get(key) for key in wanted):
        variables = " or ".join(f"{account}_{key}".upper() for key in wanted)
        return f"set {variables} for {name}"
    return None
