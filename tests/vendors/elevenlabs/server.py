"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell, voice_of

from .limits import Limits
from .standin import ElevenLabsStandIn

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "ELEVENLABS_API_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors elevenlabs",
        description="A stand-in for ElevenLabs. Point Parley at it with ELEVENLABS_BASE_URL.",
    )
    add_common(parser, 8283)
    parser.add_argument("--wrong-key", choices=["upgrade", "message"], default="message")
    return parser


def _create(given: argparse.Namespace, key: str) -> ElevenLabsStandIn:
    return ElevenLabsStandIn(
        hearing_of(given),
        api_key=key,
        limits=Limits(at_once=given.at_once),
        wrong_key=given.wrong_key,
        faults={"stt": given.misbehave, "tts": given.misbehave_tts},
        voice=voice_of(given),
        pace=given.pace,
        port=given.port,
        keep=False,
    )


def _told(standin: ElevenLabsStandIn) -> Sequence[str]:
    return (f"ElevenLabs at {standin.base_url}",)
