"""What Twilio says on a stream that has begun: read, and counted when it is amiss."""

from __future__ import annotations

import structlog

from bot.parts import Counts
from media.messages import Dtmf, Mark, Media, MediaStreamError, Stop, Unknown
from media.twilio import parse

__all__ = ["Incoming", "read"]

log = structlog.get_logger(__name__)

Incoming = Media | Mark | Dtmf | Stop
"""What may come on a stream that has begun."""


def read(message: str | bytes, counts: Counts) -> Incoming | None:
    """A message; None for one that is malformed, unknown, or out of place, which ends no call."""
    try:
        event = parse(message)
    except MediaStreamError as error:
        counts.bad_messages += 1
        log.warning("bad message from Twilio", error=str(error))
        return None
    if isinstance(event, Incoming):
        return event
    counts.bad_messages += 1
    if isinstance(event, Unknown):
        log.info("unknown message from Twilio", kind=event.event[:40])
    else:
        log.warning("a stream began twice", kind=type(event).__name__)
    return None
