"""How the catalogue's Soniox reaches the stand-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.vendors.speech.access import Access
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.hearing import Hearing

from .limits import Limits
from .standin import SonioxStandIn

__all__ = ["ACCESS"]


def _standin(
    hearing: Hearing, *, faults: Mapping[str, Sequence[Fault]] | None = None, **options: Any
) -> SonioxStandIn:
    faults = faults or {}
    return SonioxStandIn(
        hearing, stt_faults=faults.get("stt", ()), tts_faults=faults.get("tts", ()), **options
    )


def _settings(standin: SonioxStandIn) -> dict[str, Any]:
    return {
        "api_key": standin.api_key,
        "stt_url": standin.stt_url,
        "tts_url": standin.tts_url,
    }


ACCESS = Access(
    limits=Limits,
    standin=_standin,
    settings=_settings,
    stt={"soniox": "stt"},
    tts={"soniox": "tts"},
)
