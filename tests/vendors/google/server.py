"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell, voice_of

from .limits import Limits
from .standin import GoogleStandIn

__all__ = ["main"]

SERVICES = ("stt", "stt-v1", "files", "files-v1", "tts", "tts-once", "voices")


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "GOOGLE_API_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors google",
        description="A stand-in for Google Cloud. Point Parley at it with GOOGLE_BASE_URL.",
    )
    add_common(parser, 8286, SERVICES)
    parser.add_argument(
        "--stream-s", type=float, default=305.0, metavar="S", help="how long a stream may be"
    )
    return parser


def _create(given: argparse.Namespace, key: str) -> GoogleStandIn:
    faults = {
        service: getattr(given, f"misbehave_{service}".replace("-", "_"))
        for service in SERVICES[1:]
    }
    return GoogleStandIn(
        hearing_of(given),
        api_key=key,
        limits=Limits(stream_s=given.stream_s, at_once=given.at_once),
        faults={"stt": given.misbehave, **faults},
        voice=voice_of(given),
        pace=given.pace,
        port=given.port,
        keep=False,
    )


def _told(standin: GoogleStandIn) -> Sequence[str]:
    return (f"Google Cloud at {standin.base_url}",)
