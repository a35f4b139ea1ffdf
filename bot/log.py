"""Structured logs: one JSON line an event, or readable lines on a terminal.

Every line that is logged while a call is handled carries the call's SID. Fields hold names,
numbers and SIDs; transcripts, digits, keys and tokens are never logged.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import orjson
import structlog

__all__ = ["bind_call", "configure"]

# Libraries whose loggers say per message or request what the worker's own events say better.
QUIET = (
    "uvicorn.access",
    "uvicorn.error",
    "httpx",
    "httpcore",
    "httpx2",
    "httpcore2",
    "openai",
    "taskiq",
    "websockets",
    "twilio",
)
# What uvicorn says, as errors, of the peer's doings, which are dealt with: of an upgrade that was
# refused with a response of ours, and, with a traceback, of a message that is no text.
REFUSED_UPGRADE = "ASGI callable returned without completing handshake."
NO_TEXT = "Invalid UTF-8 sequence received from client."


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging of the process, the standard library's and uvicorn's included.

    Start uvicorn with `log_config=None`, else it sets up its own again.

    Args:
        level: debug, info, warning or error.
        stream: where to write; None is standard error.
    """
    stream = sys.stderr if stream is None else stream
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", *QUIET):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.WARNING if name in QUIET else logging.NOTSET)
    logging.getLogger("uvicorn.error").addFilter(_is_news)


@contextmanager
def bind_call(sid: str) -> Iterator[None]:
    """Everything logged inside, by tasks started inside too, carries the call's SID."""
    with structlog.contextvars.bound_contextvars(call_sid=sid):
        yield


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in {REFUSED_UPGRADE, NO_TEXT}


def _rendering(stream: TextIO) -> list[structlog.typing.Processor]:
    if stream.isatty():
        # By itself it shows the local variables of every frame: transcripts, digits, tokens.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_dumps)]


def _dumps(event: structlog.typing.EventDict, **options: object) -> str:
    return orjson.dumps(event, default=str).decode()
