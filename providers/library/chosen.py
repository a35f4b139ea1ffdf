"""The providers that one processor uses: chosen by name, wish or goal, and built when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import structlog

from ..catalog import (
    FILES,
    SHARED,
    STT,
    TABLES,
    build_file_stt,
    build_files_beside,
    build_stt,
    build_tts,
    facts_of,
)
from ..config import LibrarySettings
from ..configured import missing
from ..facts import Facts, Kind
from ..fallback import Candidate, Fallback
from ..ledger import Ledger
from ..metered import MeteredFiles, MeteredStt, MeteredTts
from ..probing import Prober
from ..select import Choice, choose
from ..types import FileRecognizer, SttProvider, TtsProvider
from ..usage import Account, Budget, Meter, Spending
from .lazy import LazyStt, LazyTts

__all__ = ["Chosen"]

log = structlog.get_logger(__name__)

_spending = Spending()
"""Of this process, for processors that keep no ledger."""

_Provider = TypeVar("_Provider", SttProvider, TtsProvider, FileRecognizer)


class Chosen:
    """Recognizers and synthesizers, each built and started when it is first used.

    Args:
        settings: what the user has said.
        stt: recognizers that were named, the preferred one first; they win over the settings'.
        tts: synthesizers, likewise.
        ledger: where uses are kept, and this month's are found; None counts this process's.

    Attributes:
        account: what was used, and how fast it was: the choice looks at that.

    Raises:
        UnsupportedError: there is no provider of a name that was given.
        MissingKeyError: one that was named is not configured.
    """

    def __init__(
        self,
        settings: LibrarySettings,
        stt: Sequence[str] = (),
        tts: Sequence[str] = (),
        ledger: Ledger | None = None,
    ) -> None:
        self.settings = settings
        budget = Budget(
            settings.monthly_budget_usd,
            refuse=settings.over_budget == "refuse",
            spent_usd=ledger.spent_usd if ledger else _spending.usd,
        )
        self.account = Account(Meter(ledger.add if ledger else _spending.add), budget)
        self._named: dict[Kind, tuple[str, ...]] = {"stt": tuple(stt), "tts": tuple(tts)}
        self._said: dict[Kind, Choice] = {}
        self._watching: asyncio.Task[None] | None = None
        self._engines: dict[str, SttProvider] = {}  # which its door for files may share
        self._stt: dict[str, Candidate[SttProvider]] = {}
        self._tts: dict[str, Candidate[TtsProvider]] = {}
        self._files: dict[str, Candidate[FileRecognizer]] = {}
        for kind, names in self._named.items():
            if names:
                self._choose(kind)

    def recognizers(self) -> Fallback[SttProvider]:
        """The recognizers of streams.

        Raises:
            UnsupportedError, MissingKeyError: none is configured, or one that was named.
        """
        return Fallback([self.recognizer(name) for name in self._choose("stt").names])

    def synthesizers(self) -> Fallback[TtsProvider]:
        """The synthesizers. Raises as `recognizers`."""
        return Fallback([self.synthesizer(name) for name in self._choose("tts").names])

    def transcribers(self) -> tuple[str, ...]:
        """The names of those who recognize files, by a door for them or as a stream.

        Raises as `recognizers`.
        """
        return self._choose("files").names

    def recognizer(self, name: str) -> Candidate[SttProvider]:
        """The recognizer of that name."""

        def build() -> SttProvider:
            return MeteredStt(LazyStt(self._engine(name)), self.account, self.facts("stt", name))

        return _kept(self._stt, name, build)

    def synthesizer(self, name: str) -> Candidate[TtsProvider]:
        """The synthesizer of that name."""

        def build() -> TtsProvider:
            provider = LazyTts(build_tts(name, **self.settings.vendor(name)))
            return MeteredTts(provider, self.account, self.facts("tts", name))

        return _kept(self._tts, name, build)

    def door(self, name: str) -> Candidate[FileRecognizer] | None:
        """The recognizer of whole recordings of that name; None when it has no door for them."""
        if name not in FILES:
            return None

        def build() -> FileRecognizer:
            if name in SHARED:
                provider = build_files_beside(self._engine(name))
            else:
                provider = build_file_stt(name, **self.settings.vendor(name))
            return MeteredFiles(provider, self.account, self.facts("files", name))

        return _kept(self._files, name, build)

    def configured(self) -> list[tuple[Kind, str]]:
        """All that could be used."""
        return [
            (kind, name)
            for kind, table in TABLES.items()
            for name in table
            if self.missing(kind, name) is None
        ]

    def in_use(self) -> list[tuple[Kind, str]]:
        """What is chosen now. Raises as `recognizers`."""
        names: list[tuple[Kind, str]] = [("stt", name) for name in self._choose("stt").names]
        names += [("files", name) for name in self.transcribers() if name in FILES]
        return names + [("tts", name) for name in self._choose("tts").names]

    def missing(self, kind: Kind, name: str) -> str | None:
        """What to do before a provider can be used; None when nothing is missing."""
        return missing(kind, name, self.settings.vendor(name))

    def watch(self) -> None:
        """See from now on whether those that rest are well again, if there is more than one.

        Must be called where the event loop runs.
        """
        if self._watching is None and max(len(self._stt), len(self._tts)) > 1:
            prober = Prober(self._stt.values(), self._tts.values())
            self._watching = asyncio.create_task(prober.run())

    def facts(self, kind: Kind, name: str) -> Facts:
        """What is known of a provider."""
        return facts_of(kind, name, self.settings.vendor(name))

    async def aclose(self) -> None:
        """Release all providers. Those that are used again are built anew."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        self._engines.clear()
        for table in (self._stt, self._tts, self._files):
            held = [candidate.provider for candidate in table.values()]
            table.clear()
            for provider in held:
                await provider.aclose()

    def _engine(self, name: str) -> SttProvider:
        if name not in self._engines:
            self._engines[name] = build_stt(name, **self.settings.vendor(name))
        return self._engines[name]

    def _choose(self, kind: Kind) -> Choice:
        settings, spoken = self.settings, kind == "tts"
        explicit = settings.tts_provider if spoken else settings.stt_provider
        preferred = settings.preferred_tts if spoken else settings.preferred_stt
        named = self._named["tts" if spoken else "stt"]
        choice = choose(
            settings.wish(named or explicit, preferred),
            known=tuple(_KNOWN[kind]),
            missing=lambda name: self.missing(_way(kind, name), name),
            facts=lambda name: self.facts(_way(kind, name), name),
            measured_ms=self._measured_ms(kind),
        )
        if self._said.get(kind) != choice:
            self._said[kind] = choice
            log.info("providers chosen", kind=kind, names=choice.names, reason=choice.reason)
        return choice

    def _measured_ms(self, kind: Kind) -> dict[str, float]:
        measured_ms = self.account.latencies.ms
        found = {name: measured_ms(_way(kind, name), name) for name in _KNOWN[kind]}
        return {name: ms for name, ms in found.items() if ms is not None}


# Who has no door for files gets them as a stream.
_KNOWN: Mapping[Kind, Mapping[str, str]] = {**TABLES, "files": {**FILES, **STT}}


def _way(kind: Kind, name: str) -> Kind:
    """How a provider is used: recordings go as a stream to one that has no door for them."""
    return "stt" if kind == "files" and name not in FILES else kind


def _kept(
    table: dict[str, Candidate[_Provider]], name: str, build: Callable[[], _Provider]
) -> Candidate[_Provider]:
    """What was built under a name, or is now. How well it is is remembered with it."""
    if name not in table:
        table[name] = Candidate(name, build())
    return table[name]
