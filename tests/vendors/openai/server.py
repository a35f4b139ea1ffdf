"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell, voice_of

from .standin import OpenAiStandIn

__all__ = ["main"]

SERVICES = ("transcription", "realtime", "files", "speech", "models")


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "OPENAI_API_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors openai",
        description="A stand-in for OpenAI's transcription sessions and files, and for its speech."
        " Point Parley at it with OPENAI_BASE_URL; its chat is `tests.vendors.openai.chat`.",
    )
    add_common(parser, 8284, SERVICES)
    parser.add_argument("--made", choices=["asked", "wav", "mp3"], default="asked")
    parser.add_argument("--swapped", action="store_true", help="complete items out of their order")
    parser.add_argument("--session-s", type=float, default=3_600.0, metavar="S")
    parser.add_argument("--no-key", action="store_true", help="ask for none, as other servers do")
    return parser


def _create(given: argparse.Namespace, key: str) -> OpenAiStandIn:
    later = {name: getattr(given, f"misbehave_{name}") for name in SERVICES[1:]}
    return OpenAiStandIn(
        hearing_of(given),
        api_key=None if given.no_key else key,
        voice=voice_of(given),
        faults={SERVICES[0]: given.misbehave, **later},
        pace=given.pace,
        made=given.made,
        swapped=given.swapped,
        session_s=given.session_s,
        port=given.port,
        keep=False,
    )


def _told(standin: OpenAiStandIn) -> Sequence[str]:
    return (f"OpenAI at {standin.api_url}",)
