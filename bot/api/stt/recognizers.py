"""Which recognizers a session gets: those of calls where they are wanted, others when first used.

Engines on this machine are large, and may be there once only: who is loaded for calls serves
sessions too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import structlog

from bot.engines import Engines
from bot.settings import Settings
from providers.catalog import STT, build_stt, class_of, facts_of
from providers.configured import missing
from providers.errors import MissingKeyError, ProviderError
from providers.facts import Facts
from providers.fallback import Candidate, Fallback
from providers.library.lazy import LazyStt
from providers.metered import MeteredStt
from providers.options import AUTO
from providers.probing import Prober
from providers.select import Wish, choose
from providers.types import SttProvider
from providers.usage import Account

from .asked import SessionRequest
from .faults import Fault, fault_of
from .recordings import NAMES, Recordings

__all__ = ["Recognizers"]

log = structlog.get_logger(__name__)

WELL = "well"
AGAIN_S = 10.0
"""Places are free when calls and sessions end, or are idle for so long (`intake.PAUSE_S`)."""


class Recognizers:
    """The recognizers of sessions.

    Args:
        settings: the worker's.
        engines: those of its calls.
        account: where their use is kept, and what may be spent.
        build: makes the recognizer of a name from its settings.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Engines,
        account: Account,
        build: Callable[..., SttProvider] = build_stt,
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._account = account
        self._build = build
        self._own: dict[str, Candidate[SttProvider]] = {}
        self._own_engines: dict[str, SttProvider] = {}
        self._recordings = Recordings(settings, account, self._engine)

    def of(
        self, request: SessionRequest, taken: Mapping[str, int] | None = None
    ) -> Fallback[SttProvider]:
        """Who recognizes a session, the best first, and who takes over from one that fails.

        Args:
            request: what it is to be.
            taken: how many streams each recognizer has; None counts none.

        Raises:
            Fault: there is no such recognizer, it is not configured, nobody among those who were
                asked for understands the language, or none of those takes one more session.
        """
        named = bool(request.provider) and request.provider != (AUTO,)
        try:
            names = request.provider if named else self._unnamed(request)
            candidates = [self._asked_for(name, request) for name in names]
        except MissingKeyError as error:
            # What to set is for who runs the worker, not for its clients.
            log.info("provider asked for is not set up", provider=error.provider, hint=error.hint)
            raise Fault(
                "provider_not_configured",
                f"provider: {error.provider} is not set up on this worker",
                allowed=self._set_up(),
            ) from None
        except ProviderError as error:
            raise fault_of(error) from None
        fit = [one for one in candidates if _understands(one, request.language)]
        if not fit:
            raise self._unsupported(request.language, candidates if named else None)
        if not (free := [one for one in fit if _takes(one, request, taken or {})]):
            raise Fault(
                "too_many_sessions",
                "every recognizer that can serve the session is taken: try again soon",
                retry_after_s=AGAIN_S,
            )
        # All that were named stay, in their places: what is meant for the first is for it alone.
        return Fallback(free, [one.name for one in candidates])

    def load(self) -> None:
        """Import what is configured: where that is left to the first session, all calls wait."""
        for name in self._configured():
            with suppress(ProviderError):  # a session that asks for it is told
                class_of("stt", name)

    async def run(self) -> None:
        """See, as long as the worker runs, whether those that have failed are well again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(Prober(self._own.values()).run())
            group.create_task(Prober(self._recordings.candidates.values()).run())

    def states(self) -> dict[str, str]:
        """How well each is that was used here alone: `well`, or the kind of error it rests for."""
        return {
            name: WELL if one.health.error is None else type(one.health.error).__name__
            for name, one in (*self._own.items(), *self._recordings.candidates.items())
        }

    async def aclose(self) -> None:
        """Release those that calls do not use."""
        await self._recordings.aclose()
        self._own_engines.clear()
        own, self._own = self._own, {}
        for candidate in own.values():
            await candidate.provider.aclose()

    def _unnamed(self, request: SessionRequest) -> tuple[str, ...]:
        """Who is to recognize when the client leaves it to us."""
        if not request.provider:
            default = tuple(self._settings.bot_for("").stt_provider.split(","))
            if any(_understands(self._candidate(name), request.language) for name in default):
                return default
        wish = Wish(goal=self._settings.optimize_for, prefer_free=self._settings.prefer_free)
        # A language that the default does not know is left to whoever does.
        fit = [name for name in self._configured() if self._offers(name, request.language)]
        if not fit:
            raise self._unsupported(request.language, None)
        return choose(wish, known=fit, missing=self._missing, facts=self._facts).names

    def _configured(self) -> list[str]:
        return [name for name in STT if self._missing(name) is None]

    def _set_up(self) -> list[str]:
        """Whom a client may name."""
        return [*self._configured(), *self._recordings.configured(), AUTO]

    def _usable(self, name: str) -> Candidate[SttProvider] | None:
        """A recognizer that is configured; None when it cannot be built all the same."""
        try:
            return self._candidate(name)
        except ProviderError as error:
            log.warning("provider cannot be used", provider=name, error=str(error))
            return None

    def _offers(self, name: str, language: str) -> bool:
        candidate = self._usable(name)
        return candidate is not None and _understands(candidate, language)

    def _unsupported(self, language: str, asked: list[Candidate[SttProvider]] | None) -> Fault:
        """That nobody understands a language, of those who were named, or of all there are."""
        if asked is None:
            asked = [one for one in map(self._usable, self._configured()) if one is not None]
        return Fault(
            "unsupported_language",
            f"nobody here understands {language!r}: choose another language, or another provider",
            allowed={one.name: list(one.provider.capabilities.languages) for one in asked},
        )

    def _missing(self, name: str) -> str | None:
        return missing("stt", name, self._settings.vendor(name))

    def _facts(self, name: str) -> Facts:
        return facts_of("stt", name, self._settings.vendor(name))

    def _asked_for(self, name: str, request: SessionRequest) -> Candidate[SttProvider]:
        """The recognizer of that name, of streams or of recordings, for a session.

        Raises:
            ProviderError: it is not configured.
            Fault: there is none.
        """
        return self._recordings.candidate(name, request) if name in NAMES else self._candidate(name)

    def _candidate(self, name: str) -> Candidate[SttProvider]:
        """The recognizer of that name, built when it is not there yet.

        Raises:
            ProviderError: there is none, or it is not configured.
        """
        found = self._engines.recognizer(name) or self._own.get(name)
        if found is None:
            found = self._own[name] = Candidate(name, self._built(name))
        return found

    def _built(self, name: str) -> SttProvider:
        if name not in STT:
            raise Fault(
                "unknown_provider",
                f"provider: there is no recognizer {name!r}",
                allowed=self._set_up(),
            )
        if lack := self._missing(name):
            raise MissingKeyError(name, "it is not configured on this worker", hint=lack)
        engine = self._own_engines[name] = self._build(name, **self._settings.engine(name))
        return MeteredStt(LazyStt(engine), self._account, self._facts(name))

    def _engine(self, name: str) -> SttProvider:
        """The recognizer of that name itself, which shares its engine with recordings.

        Raises:
            ProviderError: it is not configured.
        """
        used = self._engines.recognizer(name)
        if used is not None:
            return cast(MeteredStt, used.provider).provider
        self._candidate(name)
        return self._own_engines[name]


def _takes(one: Candidate[SttProvider], request: SessionRequest, taken: Mapping[str, int]) -> bool:
    """Whether it has room for one more session, with a stream for each channel."""
    capacity = one.provider.capacity
    return capacity is None or taken.get(one.name, 0) + request.streams <= capacity


def _understands(candidate: Candidate[SttProvider], language: str) -> bool:
    return candidate.provider.capabilities.understands(language)
