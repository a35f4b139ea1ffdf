"""What a provider cannot honour, and what one should know of it, is said once, in the log."""

from __future__ import annotations

from collections.abc import Container

import structlog

from .options import Honours, SttOptions, TtsOptions, not_honoured
from .types import SttCapabilities, TtsCapabilities

__all__ = ["Honoured"]

log = structlog.get_logger(__name__)


class Honoured:
    """Says what one provider was asked for and cannot do.

    Args:
        provider: the catalogue name.
        capabilities: what it can do.
        honours: what it honours of certain options, where that depends on them; None is what the
            capabilities say.
    """

    def __init__(
        self,
        provider: str,
        capabilities: SttCapabilities | TtsCapabilities,
        honours: Honours | None = None,
    ) -> None:
        self._provider = provider
        self._capabilities = capabilities
        self._honours = honours
        self._said: set[str] = set()
        self._announced = False

    def announce(self) -> None:
        """Say what one should know of the provider, unless it was said before."""
        known = self._capabilities
        if isinstance(known, TtsCapabilities) and known.notice and not self._announced:
            self._announced = True
            log.warning("know this of a provider", provider=self._provider, notice=known.notice)

    def note(self, options: SttOptions | TtsOptions) -> None:
        """Say what of these options is not honoured, unless it was said before."""
        honoured: Container[str] = self._capabilities.options
        if self._honours is not None and isinstance(options, SttOptions):
            honoured = self._honours(options)
        missing = set(not_honoured(options, honoured)) - self._said
        if missing:
            self._said |= missing
            log.warning(
                "provider cannot honour options", provider=self._provider, options=sorted(missing)
            )
