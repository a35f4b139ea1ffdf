"""That a campaign has been paused without its owner: for whoever reads the log."""

from __future__ import annotations

import re

import structlog

__all__ = ["tell_paused"]

_NAMING = re.compile(r"[A-Z]{2}[0-9a-f]{32}|[0-9]{6,}")
"""SIDs and telephone numbers: a reason may have the owner's, which are not for the log."""

log = structlog.get_logger(__name__)


def tell_paused(campaign: str, reason: str) -> None:
    """Nobody is called for this campaign from now on, until its owner resumes it."""
    log.error("campaign is paused", campaign=campaign, reason=_NAMING.sub("…", reason))
