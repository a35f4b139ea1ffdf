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

        encoding, _, rate = str(value).partition(":")
        if encoding not in _ENCODINGS or not rate.isdecimal():
            self.fail(
                f"{value!r} is no format; write pcm:16000, ulaw:8000 or alaw:8000", param, ctx
            )
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

    async def work(speech: VoiceProcessor) -> list[tuple[str, TranscriptionResult | str]]:
        found: list[tuple[str, TranscriptionResult | str]] = []
        for name in files:
            with _progress(name, as_json=as_json) as progress:
                if name == "-":
                    audio = piped if raw is None else AudioData(piped, raw)
                    what = speech.transcribe(audio, options, progress=progress)
                else:
                    what = speech.transcribe_file(name, options, format=raw, progress=progress)
                found.append((name, await _text_or_fault(what)))
        return found

    found = run(work, stt=names(provider), config=config)
    _print(found, as_json=as_json)
    return 1 if any(isinstance(result, str) for _, result in found) else 0


def _piped() -> bytes:
    """Standard input, as far as it is taken."""
    from providers.audio import LIMITS

    return sys.stdin.buffer.read(LIMITS.max_bytes + 1)


async def _text_or_fault(
    result: Coroutine[Any, Any, TranscriptionResult],
) -> TranscriptionResult | str:
    """What is said in a file; why it is not known, if that is the file's own fault.

    Raises:
        ProviderError: no other file would be understood either.
    """
    from providers.errors import AudioError

    try:
        return await result
    except AudioError as error:
        return error.reason + (f"; {error.hint}" if error.hint else "")


def _print(found: list[tuple[str, TranscriptionResult | str]], *, as_json: bool) -> None:
    from bot.records.display import shown

    for name, result in found:
        if isinstance(result, str):
            click.echo(f"parley transcribe: {shown(result)}", err=True)
        elif not as_json:
            click.echo(shown(f"{name}: {result.text}" if len(found) > 1 else result.text))
    if as_json:
        reports = [
            {"file": name, "error": result}
            if isinstance(result, str)
            else {"file": name, **asdict(result)}
            for name, result in found
        ]
        print_json(reports[0] if len(reports) == 1 else reports)


def _progress(name: str, *, as_json: bool) -> AbstractContextManager[Told | None]:
    """A bar on a terminal, as far as it is known how much there is."""
    from rich.console import Console

    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        return nullcontext()
    from .bar import Bar

    return Bar(console, name)
