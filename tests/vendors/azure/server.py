"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell, voice_of

from .limits import Limits
from .standin import AzureStandIn

__all__ = ["main"]

SERVICES = ("stt", "tts", "tts-http", "files", "short")


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "AZURE_SPEECH_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors azure",
        description="A stand-in for Azure Speech. Point Parley at it with AZURE_BASE_URL.",
    )
    add_common(parser, 8287, SERVICES)
    return parser


def _create(given: argparse.Namespace, key: str) -> AzureStandIn:
    faults = {
        service: getattr(given, f"misbehave_{service}".replace("-", "_"))
        for service in SERVICES[1:]
    }
    return AzureStandIn(
        hearing_of(given),
        api_key=key,
        limits=Limits(stt_at_once=given.at_once, tts_at_once=given.at_once),
        faults={"stt": given.misbehave, **faults},
        voice=voice_of(given),
        pace=given.pace,
        port=given.port,
        keep=False,
    )


def _told(standin: AzureStandIn) -> Sequence[str]:
    return (f"Azure at {standin.base_url}",)
