"""The command line of every stand-in for a vendor of speech."""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from providers.catalog import VENDORS
from providers.declaration import Declaration
from providers.errors import ProviderError

from .access import Access
from .faults import KINDS, Fault, fault_of
from .hearing import Hearing
from .oracle import OracleHearing
from .recordings import computed_script, recorded_script
from .sphinx import SphinxHearing
from .standin import StandIn
from .voices import EspeakVoice, ToneVoice, Voice

__all__ = ["serve_from_shell"]

SENTENCES = (
    "Hello, I would like to make an appointment.",
    "On Friday, please.",
    "At ten o'clock in the morning.",
    "Yes, that is right. Thank you!",
)


def serve_from_shell(account: str, access: Access, arguments: Sequence[str]) -> None:
    """Serve until interrupted, with a key that the environment has.

    Args:
        account: whose stand-in it is.
        access: the way to it.
        arguments: the shell's.
    """
    vendor = VENDORS[account]
    keys = [key for key, setting in vendor.settings.items() if setting.holds == "key"]
    parser = _parser(vendor, access)
    given = parser.parse_args(arguments)
    variable = vendor.variable(keys[0])
    key = os.environ.get(variable)
    if not key:
        parser.error(f"set {variable} to what clients have to show")
    try:
        standin = _create(access, given, key)
    except (OSError, TypeError, ValueError, ProviderError) as error:
        parser.error(str(error))

    async def serve() -> None:
        async with standin:
            for name, value in access.settings(standin).items():
                if name not in keys:
                    print(f"{vendor.variable(name)}={value}", flush=True)
            await asyncio.Event().wait()

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve())
    except OSError as error:
        parser.exit(1, f"{parser.prog}: port {given.port} cannot be had: {error.strerror}\n")


def _parser(vendor: Declaration, access: Access) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.vendors {vendor.account}",
        description=f"A stand-in for {vendor.title}. What it prints leads Parley to it.",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--at-once", type=int, default=10, help="connections of each kind")
    parser.add_argument(
        "--set",
        type=_pair,
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="options of the stand-in, or its limits, as its classes describe them",
    )
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
    for number, service in enumerate(access.services):
        option = f"--misbehave-{service}" if number else "--misbehave"
        faults.add_argument(
            option,
            type=_fault,
            nargs="+",
            default=[],
            dest=f"misbehave {service}",
            metavar="FAULT",
            help=f"of {service}",
        )
    return parser


def _create(access: Access, given: argparse.Namespace, key: str) -> StandIn:
    asked = dict(given.set)
    options: dict[str, Any] = {"api_key": key}
    if access.limits is not None:
        names = [field.name for field in fields(access.limits)]
        limits = {name: given.at_once for name in names if name.endswith("at_once")}
        limits |= {name: asked.pop(name) for name in names if name in asked}
        options["limits"] = access.limits(**limits)
    return access.standin(
        _hearing_of(given),
        faults={name: getattr(given, f"misbehave {name}") for name in access.services},
        voice=_voice_of(given),
        pace=given.pace,
        port=given.port,
        keep=False,
        **{**options, **asked},
    )


def _hearing_of(given: argparse.Namespace) -> Hearing:
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


def _voice_of(given: argparse.Namespace) -> Voice:
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


def _pair(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    with contextlib.suppress(ValueError, SyntaxError):
        return name, ast.literal_eval(value)
    return name, value


def _fault(text: str) -> Fault:
    try:
        return fault_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
