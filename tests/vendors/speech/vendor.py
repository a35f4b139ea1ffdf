"""A stand-in with ears, a voice and limits, as those of most vendors of speech are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from .faults import Fault
from .hearing import Hearing
from .standin import StandIn
from .voices import ToneVoice, Voice

__all__ = ["SpeechStandIn"]

LimitsT = TypeVar("LimitsT")


class SpeechStandIn(StandIn, Generic[LimitsT]):
    """A vendor of speech, for one key; an async context manager that serves on loopback.

    Args:
        hearing: gives each stream or recording its recognizer.
        api_key: what clients have to show.
        limits: how long it waits, and how much it takes; None is the vendor's own.
        faults: by service, what happens to its connections and requests.
        voice: who speaks; None is `ToneVoice`.
        pace: how many times as fast as it is spoken audio is made; None is at once.
        send_s: how long a client may take to read what it is sent.
        port: to listen on; 0 is any.
        keep: whether every frame is kept.

    Attributes:
        usual: the vendor's own limits.
    """

    usual: LimitsT

    def __init__(
        self,
        hearing: Hearing,
        *,
        api_key: str = "stand-in-key",
        limits: LimitsT | None = None,
        faults: Mapping[str, Iterable[Fault]] | None = None,
        voice: Voice | None = None,
        pace: float | None = None,
        send_s: float = 20.0,
        port: int = 0,
        keep: bool = True,
    ) -> None:
        self._hearing = hearing
        self._voice = voice or ToneVoice()
        self._pace = pace
        self._limits: LimitsT = limits or self.usual
        super().__init__(
            api_key=api_key,
            engines=[hearing, self._voice],
            faults=faults,
            send_s=send_s,
            port=port,
            keep=keep,
        )
