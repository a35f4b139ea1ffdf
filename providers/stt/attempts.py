"""Which recognizer is tried next, and after how long, when one has failed.

All that suit are tried one after the other, at once; then all of them again after a while, and
again, but for those that another try would not mend.
"""

from __future__ import annotations

import structlog

from ..errors import ProviderError, RateLimitError, UnsupportedLanguageError
from ..fallback import Candidate, Fallback
from ..health import SOUND_S
from ..patience import RATE_LIMIT_S
from ..types import SttProvider

__all__ = ["REOPEN_DELAYS_S", "Attempts", "check_language"]

log = structlog.get_logger(__name__)

REOPEN_DELAYS_S = (0.0, 0.5, 1.5)
"""The waits before all are tried once more."""
MOST_ADVISED_S = 5.0
"""Nobody can be kept waiting longer, whatever the recognizer asks for."""


class Attempts:
    """Those of one stream of audio.

    Args:
        stt: the recognizers.
    """

    def __init__(self, stt: Fallback[SttProvider]) -> None:
        self._stt = stt
        # Who has failed since anything was understood: in this round, and beyond hope.
        self._tried: dict[Candidate[SttProvider], ProviderError] = {}
        self._hopeless: dict[Candidate[SttProvider], ProviderError] = {}
        self._rounds = 0
        self._opened_s: float | None = None  # since when there has been a stream

    def next(self, language: str) -> Candidate[SttProvider]:
        """The best of those that have not failed in this round.

        Raises:
            UnsupportedLanguageError: nobody understands the language.
            ProviderError: none of those that do can be used.
        """
        self._opened_s = None
        suited = self._suited(language)
        if not suited:
            check_language(self._stt, language)
            raise next(reversed(self._hopeless.values()))
        return next((one for one in suited if one not in self._tried), suited[0])

    def opened(self, now_s: float) -> None:
        """There is a stream, of who was the next."""
        self._opened_s = now_s

    def progressed(self) -> None:
        """Something was understood for good, or a stream ended well: the next failure is a new one.

        What may still change is no progress, for the next stream gets the same audio again.
        """
        self._tried.clear()
        self._hopeless.clear()
        self._rounds = 0

    def failed(
        self, candidate: Candidate[SttProvider], error: ProviderError, language: str, now_s: float
    ) -> float:
        """One has failed at `now_s`. Returns how long (s) to wait before the next one is tried.

        Raises:
            ProviderError: there is no more to try.
        """
        if self._opened_s is not None and now_s - self._opened_s > SOUND_S:
            self.progressed()  # there was nothing to understand, and this is a new trouble
        candidate.failed(error)
        self._tried[candidate] = error
        if not error.retryable:
            self._hopeless[candidate] = error
        suited = self._suited(language)
        if any(other not in self._tried for other in suited):
            log.warning("recognizer failed, another takes over", error=str(error))
            return 0.0
        if not suited or self._rounds >= len(REOPEN_DELAYS_S):
            raise error
        advised_s = min(_advised_s(self._tried[other]) for other in suited)
        if advised_s > MOST_ADVISED_S:
            raise error
        log.warning("recognizer failed, opening it again", error=str(error))
        delay_s = max(REOPEN_DELAYS_S[self._rounds], advised_s)
        self._rounds += 1
        self._tried.clear()
        return delay_s

    def _suited(self, language: str) -> list[Candidate[SttProvider]]:
        """Who may still be of use, the best first."""
        ranked = self._stt.ranked(lambda stt: stt.capabilities.understands(language))
        return [candidate for candidate in ranked if candidate not in self._hopeless]


def check_language(stt: Fallback[SttProvider], language: str) -> None:
    """See that somebody understands a language.

    Raises:
        UnsupportedLanguageError: nobody does.
    """
    providers = [candidate.provider for candidate in stt.candidates]
    if any(provider.capabilities.understands(language) for provider in providers):
        return
    offered = dict.fromkeys(tag for one in providers for tag in one.capabilities.languages)
    raise UnsupportedLanguageError(
        stt.name,
        f"language {language!r} is not on offer",
        hint=f"it understands {', '.join(offered)}",
    )


def _advised_s(error: ProviderError) -> float:
    """How long to wait at least before a recognizer is opened again."""
    if not isinstance(error, RateLimitError):
        return 0.0
    return max(RATE_LIMIT_S, error.retry_after_s or 0.0)
