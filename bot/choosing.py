"""Which recognizers and synthesizers a deployment uses when no names were given for them."""

from __future__ import annotations

import structlog

from providers.catalog import TABLES, facts_of
from providers.configured import missing
from providers.facts import Kind
from providers.select import choose
from providers.settings import SpeechSettings

__all__ = ["chosen"]

log = structlog.get_logger(__name__)


def chosen(settings: SpeechSettings, kind: Kind) -> str:
    """The names, with commas between them, the best first: the next takes over from one that fails.

    Raises:
        MissingKeyError: none is configured.
    """
    spoken = kind == "tts"
    choice = choose(
        settings.wish((), settings.preferred_tts if spoken else settings.preferred_stt),
        known=tuple(TABLES[kind]),
        missing=lambda name: missing(kind, name, settings.vendor(name)),
        facts=lambda name: facts_of(kind, name, settings.vendor(name)),
    )
    log.info("providers chosen", kind=kind, names=choice.names, reason=choice.reason)
    return ",".join(choice.names)
