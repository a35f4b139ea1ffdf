"""`parley transcribe`: what is said in audio files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.json_output import print_json

from .speech import config_option, json_option, names, run

if TYPE_CHECKING:
    from media.audio import AudioFormat
    from providers.processor import VoiceProcessor
    from providers.results import TranscriptionResult

__all__ = ["transcribe"]

_ENCODINGS = {"pcm": "pcm_s16le", "ulaw": "mulaw", "alaw": "alaw"}

Told = Callable[[float, float | None], None]


class _RawFormat(click.ParamType["AudioFormat"]):
    name = "FORMAT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AudioFormat:
        from media.audio import AudioFormat, Encoding
        from providers.audio.rate import check_rate
        from providers.errors import UnsupportedRateError

        encoding, _, rate = str(value).partition(":")
        if encoding not in _ENCODINGS or not rate.isdecimal():
            self.fail(
                f"{value!r} is no format; write pcm:16000, ulaw:8000 or alaw:8000", param, ctx
            )
        try:
            check_rate(int(rate), repr(value))
        except UnsupportedRateError as error:
            self.fail(f"{error.reason}; {error.hint}", param, ctx)
        return AudioFormat(Encoding(_ENCODINGS[encoding]), int(rate))


@click.command(
    epilog="\b\nExamples:\n"
    "  parley transcribe interview.mp3 --provider deepgram --language en-US\n"
    "  parley transcribe --json - < call.wav"
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--provider", metavar="NAME", help="Who recognizes; of several the next takes over.")
@click.option("--language", metavar="TAG", default="en-US", show_default=True)
@click.option("--model", metavar="NAME", help="The vendor's name of a model.")
@click.option("--phrase", "phrases", multiple=True, help="What may be said; repeat it for each.")
@click.option("--key-term", "key_terms", multiple=True, help="A word that matters; repeat it.")
@click.option("--diarize", is_flag=True, help="Tell speakers apart.")
@click.option("--raw", type=_RawFormat(), help="Files are headerless: pcm:16000, ulaw:8000, …")
@config_option
@json_option
def transcribe(
    files: tuple[str, ...],
    provider: str | None,
    language: str,
    model: str | None,
    phrases: tuple[str, ...],
    key_terms: tuple[str, ...],
    diarize: bool,
    raw: AudioFormat | None,
    config: Path | None,
    as_json: bool,
) -> int:
    """Print what is said in audio files: wav, flac, mp3, m4a, mp4, aac, ogg, webm, ulaw, alaw.

    `-` is standard input. Without a key for any vendor PocketSphinx listens, which understands
    little but phrases that it is given. The text of several files comes with their names. Exits 1
    when one of them could not be understood.
    """
    from providers.options import SttOptions
    from providers.results import AudioData

    options = SttOptions(
        language=language,
        model=model,
        phrases=phrases,
        key_terms=key_terms,
        diarization=diarize,
    )
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise click.UsageError(f"there is no file {name!r}")

    piped = _piped() if "-" in files else b""

    found: list[tuple[str, TranscriptionResult | str]] = []

    async def work(speech: VoiceProcessor) -> None:
        for name in files:
            with _progress(name, as_json=as_json) as progress:
                if name == "-":
                    audio = piped if raw is None else AudioData(piped, raw)
                    what = speech.transcribe(audio, options, progress=progress)
                else:
                    what = speech.transcribe_file(name, options, format=raw, progress=progress)
                result = await _text_or_fault(name, what)
            found.append((name, result))
            _print(name, result, as_json=as_json, several=len(files) > 1)

    try:
        run(work, stt=names(provider), config=config)
    finally:
        # Whatever comes after them: these were paid for.
        if as_json and found:
            reports = [_report(name, result) for name, result in found]
            print_json(reports if len(files) > 1 else reports[0])
    return 1 if any(isinstance(result, str) for _, result in found) else 0


def _piped() -> bytes:
    """Standard input, as far as it is taken."""
    from providers.audio import LIMITS

    return sys.stdin.buffer.read(LIMITS.max_bytes + 1)


async def _text_or_fault(
    name: str, result: Coroutine[Any, Any, TranscriptionResult]
) -> TranscriptionResult | str:
    """What is said in a file; why it is not known, if another file may be understood.

    Raises:
        ProviderError: no other file would be understood either.
    """
    from providers.errors import (
        AudioError,
        AuthenticationError,
        MissingKeyError,
        ProviderError,
        QuotaError,
        UnsupportedError,
    )

    try:
        return await result
    except (AuthenticationError, MissingKeyError, QuotaError, UnsupportedError):
        raise
    except AudioError as error:
        return error.reason + (f"; {error.hint}" if error.hint else "")
    except ProviderError as error:
        return f"{name}: {error}"


def _print(name: str, result: TranscriptionResult | str, *, as_json: bool, several: bool) -> None:
    """Say it as soon as it is known: what comes after it may fail."""
    from bot.records.display import shown

    if isinstance(result, str):
        click.echo(f"parley transcribe: {shown(result)}", err=True)
    elif not as_json:
        click.echo(shown(f"{name}: {result.text}" if several else result.text))


def _report(name: str, result: TranscriptionResult | str) -> dict[str, Any]:
    if isinstance(result, str):
        return {"file": name, "error": result}
    return {"file": name, **asdict(result)}


def _progress(name: str, *, as_json: bool) -> AbstractContextManager[Told | None]:
    """A bar on a terminal, as far as it is known how much there is."""
    from rich.console import Console

    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        return nullcontext()
    from .bar import Bar

    return Bar(console, name)
