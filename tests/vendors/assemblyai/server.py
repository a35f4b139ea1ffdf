"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.vendors.speech.shell import add_common, hearing_of, serve_from_shell

from .limits import Limits
from .standin import AssemblyAiStandIn

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    serve_from_shell(_parser(), arguments, "ASSEMBLYAI_API_KEY", _create, _told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors assemblyai",
        description="A stand-in for AssemblyAI. Point Parley at it with ASSEMBLYAI_BASE_URL.",
    )
    add_common(parser, 8287, ("stt",))
    return parser


def _create(given: argparse.Namespace, key: str) -> AssemblyAiStandIn:
    return AssemblyAiStandIn(
        hearing_of(given),
        api_key=key,
        limits=Limits(at_once=given.at_once),
        faults={"stt": given.misbehave},
        port=given.port,
        keep=False,
    )


def _told(standin: AssemblyAiStandIn) -> Sequence[str]:
    return (f"AssemblyAI at {standin.base_url}",)
