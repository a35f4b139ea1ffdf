"""Where the library's log lines go when nobody has said it: to Python's own logging."""

from __future__ import annotations

import structlog

__all__ = ["log_as_python_does"]


def log_as_python_does() -> None:
    """Have log lines go to the loggers `providers...`, unless structlog is configured already.

    By itself structlog would print them all, which is not for a library to do.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
