"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from .faults import KINDS, Fault, fault_of
from .limits import Limits
from .recordings import computed_script, recorded_script
from .script import Script
from .standin import SonioxStandIn, oracle

__all__ = ["main"]

SENTENCES = (
    "Hello, I would like to make an appointment.",
    "On Friday, please.",
    "At ten o'clock in the morning.",
    "Yes, that is right. Thank you!",
)


def main(arguments: Sequence[str]) -> None:
    """Serve from a shell, until interrupted."""
    parser = _parser()
    given = parser.parse_args(arguments)
    key = os.environ.get("SONIOX_API_KEY")
    if not key:
        parser.error("set SONIOX_API_KEY to what clients have to show")
    try:
        script = _script(given.recordings)
    except (OSError, ValueError) as error:
        parser.error(f"--recordings {given.recordings}: {error}")
    if given.save is not None:
        given.save.write_bytes(script.audio)
    standin = SonioxStandIn(
        oracle(script),
        api_key=key,
        limits=Limits(stt_at_once=given.at_once, tts_at_once=given.at_once),
        wrong_key=given.wrong_key,
        config_key=given.config_key,
        stt_faults=given.misbehave,
        port=given.port,
        keep=False,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(standin))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors soniox",
        description="A stand-in for Soniox' real-time WebSockets.",
    )
    parser.add_argument("--port", type=int, default=8282)
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="the speech that the oracle knows: .ulaw files and a README.md with their transcripts"
        " (default: a few computed sentences)",
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write what the oracle knows as 8 kHz µ-law"
    )
    parser.add_argument("--at-once", type=int, default=10, help="connections of each kind")
    parser.add_argument("--wrong-key", choices=["upgrade", "message"], default="upgrade")
    parser.add_argument("--config-key", action="store_true", help="take a key in the config too")
    parser.add_argument(
        "--misbehave",
        type=_fault,
        nargs="+",
        default=[],
        metavar="FAULT",
        help="what the first STT connections meet, one each, such as"
        f" error:code=503,at_ms=1500,when=word; there are {', '.join(KINDS)}",
    )
    return parser


def _fault(text: str) -> Fault:
    try:
        return fault_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _script(folder: Path | None) -> Script:
    return computed_script(SENTENCES) if folder is None else recorded_script(folder)


async def _serve(standin: SonioxStandIn) -> None:
    async with standin:
        print(f"Soniox' STT at {standin.stt_url}", flush=True)
        print(f"Soniox' TTS at {standin.tts_url}", flush=True)
        await asyncio.Event().wait()
