"""Starts a stand-in from a shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from providers.errors import ProviderError

from .faults import KINDS, Fault, fault_of
from .hearing import Hearing
from .limits import Limits
from .oracle import OracleHearing
from .recordings import computed_script, recorded_script
from .sphinx import SphinxHearing
from .standin import SonioxStandIn
from .voices import EspeakVoice, ToneVoice

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
        standin = SonioxStandIn(
            _hearing(given),
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
            voice=EspeakVoice() if given.voice == "espeak" else ToneVoice(),
            pace=given.pace,
            port=given.port,
            keep=False,
        )
    except (OSError, ValueError, ProviderError) as error:
        parser.error(str(error))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(standin))
    except OSError as error:
        parser.exit(1, f"{parser.prog}: port {given.port} cannot be had: {error.strerror}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.vendors soniox",
        description="A stand-in for Soniox' real-time WebSockets. Point Parley at it with"
        " SONIOX_STT_URL and SONIOX_TTS_URL.",
    )
    parser.add_argument("--port", type=int, default=8282)
    parser.add_argument("--at-once", type=int, default=10, help="connections of each kind")
    parser.add_argument(
        "--starts-per-min", type=int, default=100, metavar="N", help="connections of each kind"
    )
    parser.add_argument("--wrong-key", choices=["upgrade", "message"], default="upgrade")
    parser.add_argument("--config-key", action="store_true", help="take a key in the config too")
    _add_hearing(parser.add_argument_group("what it understands"))
    speaking = parser.add_argument_group("how it speaks")
    speaking.add_argument("--voice", choices=["tone", "espeak"], default="tone")
    speaking.add_argument(
        "--pace", type=float, metavar="X", help="audio is made X times as fast as it is spoken"
    )
    faults = parser.add_argument_group(
        "what goes wrong",
        f"one FAULT for each connection: {', '.join(KINDS)}, perhaps with its moment and more,"
        " such as error:code=503,at_ms=1500,when=word",
    )
    for option in ("--misbehave", "--misbehave-tts"):
        faults.add_argument(option, type=_fault, nargs="+", default=[], metavar="FAULT")
    return parser


def _add_hearing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--mode",
        choices=["oracle", "real"],
        default="oracle",
        help="oracle: a recording that it knows, wherever in it a stream is (default);"
        " real: PocketSphinx, choosing among phrases",
    )
    group.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="the oracle's: .ulaw files and a README.md whose table has their transcripts"
        " (default: a few computed sentences)",
    )
    group.add_argument(
        "--save", type=Path, metavar="FILE", help="write the oracle's recording as 8 kHz µ-law"
    )
    group.add_argument(
        "--phrases", type=Path, metavar="FILE", help="one a line, instead of the demo's"
    )


def _hearing(given: argparse.Namespace) -> Hearing:
    if given.mode == "real":
        if given.phrases is None:
            return SphinxHearing(processes=given.at_once)
        lines = given.phrases.read_text("utf-8").splitlines()
        return SphinxHearing(list(filter(None, map(str.strip, lines))), processes=given.at_once)
    if given.recordings is None:
        script = computed_script(SENTENCES)
    else:
        script = recorded_script(given.recordings)
    if given.save is not None:
        given.save.write_bytes(script.audio)
    return OracleHearing(script)


def _fault(text: str) -> Fault:
    try:
        return fault_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _serve(standin: SonioxStandIn) -> None:
    async with standin:
        print(f"Soniox' STT at {standin.stt_url}", flush=True)
        print(f"Soniox' TTS at {standin.tts_url}", flush=True)
        await asyncio.Event().wait()
