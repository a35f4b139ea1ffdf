"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell, voice_of

from .limits import Limits
from .standin import SonioxStandIn

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "SONIOX_API_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors soniox",
        description="A stand-in for Soniox' real-time WebSockets. Point Parley at it with"
        " SONIOX_STT_URL and SONIOX_TTS_URL.",
    )
    add_common(parser, 8282)
    parser.add_argument(
        "--starts-per-min", type=int, default=100, metavar="N", help="connections of each kind"
    )
    parser.add_argument("--wrong-key", choices=["upgrade", "message"], default="upgrade")
    parser.add_argument("--config-key", action="store_true", help="take a key in the config too")
    return parser


def _create(given: argparse.Namespace, key: str) -> SonioxStandIn:
    return SonioxStandIn(
        hearing_of(given),
        api_key=key,
        limits=Limits(
            stt_at_once=given.at_once,
            tts_at_once=given.at_once,
            starts_per_min=given.starts_per_min,
        ),
        wrong_key=given.wrong_key,
        config_key=given.config_key,
        stt_faults=given.misbehave,
        tts_faults=given.misbehave_tts,
        voice=voice_of(given),
        pace=given.pace,
        port=given.port,
        keep=False,
    )


def _told(standin: SonioxStandIn) -> Sequence[str]:
    return (f"Soniox' STT at {standin.stt_url}", f"Soniox' TTS at {standin.tts_url}")
