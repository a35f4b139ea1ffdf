"""What the stand-ins' command lines have in common: options, and serving until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from providers.errors import ProviderError

from .faults import KINDS, Fault, fault_of
from .hearing import Hearing
from .oracle import OracleHearing
from .recordings import computed_script, recorded_script
from .sphinx import SphinxHearing
from .standin import StandIn
from .voices import EspeakVoice, ToneVoice, Voice

__all__ = ["add_common", "hearing_of", "serve_from_shell", "voice_of"]

_StandIn = TypeVar("_StandIn", bound=StandIn)

SENTENCES = (
    "Hello, I would like to make an appointment.",
    "On Friday, please.",
    "At ten o'clock in the morning.",
    "Yes, that is right. Thank you!",
)


def serve_from_shell(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str],
    key_variable: str,
    create: Callable[[argparse.Namespace, str], _StandIn],
    told: Callable[[_StandIn], Sequence[str]],
) -> None:
    """Serve until interrupted, with a key that the environment has.

    Args:
        parser: has the options of `add_common`.
        arguments: the shell's.
        key_variable: the vendor's usual variable for its key.
        create: makes the stand-in, of what was given and the key.
        told: the lines to print once it serves.
    """
    given = parser.parse_args(arguments)
    key = os.environ.get(key_variable)
    if not key:
        parser.error(f"set {key_variable} to what clients have to show")
    try:
        standin = create(given, key)
    except (OSError, ValueError, ProviderError) as error:
        parser.error(str(error))

    async def serve() -> None:
        async with standin:
            for line in told(standin):
                print(line, flush=True)
            await asyncio.Event().wait()

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve())
    except OSError as error:
        parser.exit(1, f"{parser.prog}: port {given.port} cannot be had: {error.strerror}\n")


def add_common(
    parser: argparse.ArgumentParser, port: int, services: Sequence[str] = ("stt", "tts")
) -> None:
    """Add what every stand-in has: its port, ears, voice and faults.

    Args:
        port: which is the stand-in's by default.
        services: those whose faults can be told; the first is plain `--misbehave`.
    """
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--at-once", type=int, default=10, help="connections of each kind")
    _add_hearing(parser.add_argument_group("what it understands"))
    speaking = parser.add_argument_group("how it speaks")
    speaking.add_argument("--voice", choices=["tone", "espeak"], default="tone")
    speaking.add_argument(
        "--pace", type=float, metavar="X", help="audio is made X times as fast as it is spoken"
    )
    faults = parser.add_argument_group(
        "what goes wrong",
        f"one FAULT for each connection or request: {', '.join(KINDS)}, perhaps with its moment and"
        " more, such as error:code=503,at_ms=1500,when=word",
    )
    for number, service in enumerate(services):
        option = f"--misbehave-{service}" if number else "--misbehave"
        faults.add_argument(
            option, type=_fault, nargs="+", default=[], metavar="FAULT", help=f"of {service}"
        )


def hearing_of(given: argparse.Namespace) -> Hearing:
    """The ears that were asked for.

    Raises:
        OSError, ValueError: a file is not what it should be.
        ProviderError: PocketSphinx is not there.
    """
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


def voice_of(given: argparse.Namespace) -> Voice:
    """The voice that was asked for."""
    return EspeakVoice() if given.voice == "espeak" else ToneVoice()


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


def _fault(text: str) -> Fault:
    try:
        return fault_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
