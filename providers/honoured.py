"""What a provider cannot honour is said: once, in the log, with the names of the options."""

from __future__ import annotations

import structlog

from .options import SttOptions, TtsOptions, not_honoured
from .types import SttCapabilities, TtsCapabilities

__all__ = ["Honoured"]

log = structlog.get_logger(__name__)


class Honoured:
    """Notes what one provider was asked for and cannot do.

    Args:
        provider: the catalogue name.
        capabilities: what it can do.
    """

    def __init__(self, provider: str, capabilities: SttCapabilities | TtsCapabilities) -> None:
        self._provider = provider
        self._capabilities = capabilities
        self._said: set[str] = set()

    def note(self, options: SttOptions | TtsOptions) -> None:
        """Say what of these options is not honoured, unless it was said before."""
        missing = set(not_honoured(options, self._capabilities.options)) - self._said
        if missing:
            self._said |= missing
            log.warning(
                "provider cannot honour options", provider=self._provider, options=sorted(missing)
            )
