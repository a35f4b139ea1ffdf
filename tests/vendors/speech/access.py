"""How the catalogue's providers reach a vendor's stand-in: for tests of all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .standin import StandIn

__all__ = ["Access"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The way to one vendor's stand-in, which stands as `ACCESS` in its package's `access.py`.

    Attributes:
        standin: makes one, not yet entered: `standin(hearing, *, api_key=…, voice=None, faults={
            service: [Fault, …]}, pace=None, port=0, keep=True)`, with `limits` where it has some.
        settings: the keywords for `catalog.build_*` that lead to a stand-in that serves, with the
            right key; the environment's names of them begin with the account's name.
        stt, tts, files: by catalogue name, the service of the stand-in that this provider talks to:
            under it are its records and its faults.
        limits: the class of its limits, each a field with a default; None has none.
        unsaid: options of recognizers that are honoured without a word to the vendor.
        polyglot: services that leave it to their server which languages there are.
        whole: services that give the audio of a text as a whole, or nothing of it.
    """

    standin: Callable[..., StandIn]
    settings: Callable[[Any], dict[str, Any]]
    stt: Mapping[str, str] = field(default_factory=dict)
    tts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    limits: type[Any] | None = None
    unsaid: frozenset[str] = frozenset()
    polyglot: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()

    @property
    def services(self) -> list[str]:
        """Those of the stand-in that providers talk to, the recognizer's first."""
        tables = (self.stt, self.tts, self.files)
        return list(dict.fromkeys(service for table in tables for service in table.values()))
