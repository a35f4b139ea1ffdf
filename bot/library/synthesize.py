"""`parley synthesize`: a text becomes an audio file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.json_output import print_json

from .speech import config_option, json_option, names, run

if TYPE_CHECKING:
    from media.audio import AudioFormat
    from providers.processor import VoiceProcessor
    from providers.results import Container, SynthesisResult

__all__ = ["synthesize"]

MAX_CHARACTERS = 100_000
_FORMATS = ("wav", "flac", "mp3", "m4a", "mp4", "aac", "ogg", "webm", "pcm", "ulaw", "alaw")


@click.command(
    epilog="\b\nExamples:\n"
    '  parley synthesize "Your table is ready." --out ready.mp3\n'
    "  parley synthesize - --format ulaw < text.txt > prompt.ulaw"
)
@click.argument("text")
@click.option("--provider", metavar="NAME", help="Who speaks; of several the next takes over.")
@click.option("--language", metavar="TAG", default="en-US", show_default=True)
@click.option("--voice", metavar="ID", help="A voice of the provider's: see parley voices.")
@click.option("--model", metavar="NAME", help="The vendor's name of a model.")
@click.option("--speed", type=click.FloatRange(0.25, 4.0), default=1.0, show_default=True)
@click.option("--ssml", is_flag=True, help="The text is SSML.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="What the file is; if left out, what its name says, or wav.",
)
@click.option("--rate", type=click.IntRange(4_000, 192_000), help="Samples a second.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The file, or -.")
@config_option
@json_option
def synthesize(
    text: str,
    provider: str | None,
    language: str,
    voice: str | None,
    model: str | None,
    speed: float,
    ssml: bool,
    format_: str | None,
    rate: int | None,
    out: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Speak TEXT into an audio file; `-` is standard input.

    Without --out the audio goes to standard output, if that is no terminal. With --json it is said
    what was made. Without a key for any vendor eSpeak NG speaks.
    """
    from providers.options import TtsOptions

    piped = out is None or str(out) == "-"
    if piped and (as_json or sys.stdout.isatty()):
        raise click.UsageError("say where the audio is to go: --out FILE")
    container, format = _target(format_, rate, "" if out is None else out.name)
    options = TtsOptions(language=language, voice=voice, model=model, speed=speed, ssml=ssml)
    said = _piped() if text == "-" else text

    async def work(speech: VoiceProcessor) -> SynthesisResult:
        with _progress() as progress:
            return await speech.synthesize(
                said, options, container=container, format=format, progress=progress
            )

    result = run(work, tts=names(provider), config=config)
    if out is None or piped:
        click.echo(result.audio, nl=False)
        return
    try:
        out.write_bytes(result.audio)
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from None
    if as_json:
        print_json(_report(result, out))


def _target(format_: str | None, rate_hz: int | None, name: str) -> tuple[Container, AudioFormat]:
    """The kind of file, and what its samples are like.

    Raises:
        click.UsageError: nothing says the kind.
    """
    from media.audio import AudioFormat, Encoding
    from providers.audio.container import container_named, raw_format
    from providers.library.speaker import PCM16_24K

    name = f".{format_}" if format_ else name or ".wav"
    container = container_named(name)
    if container is None:
        known = ", ".join(_FORMATS)
        raise click.UsageError(f"the name {name} says no format; give --format, one of: {known}")
    telephone = raw_format(name)
    default = telephone or PCM16_24K
    encoding = telephone.encoding if telephone else Encoding.PCM16
    return container, AudioFormat(encoding, rate_hz or default.sample_rate_hz)


def _piped() -> str:
    """Standard input.

    Raises:
        click.UsageError: it is no text, or too long.
    """
    try:
        text = sys.stdin.buffer.read(4 * MAX_CHARACTERS + 1).decode()
    except UnicodeDecodeError:
        raise click.UsageError("standard input is no text in UTF-8") from None
    if len(text) > MAX_CHARACTERS:
        raise click.UsageError(f"the text has more than {MAX_CHARACTERS:,} characters; cut it")
    return text


def _report(result: SynthesisResult, out: Path) -> dict[str, object]:
    return {
        "file": str(out),
        "container": result.container,
        "encoding": result.format.encoding,
        "sample_rate_hz": result.format.sample_rate_hz,
        "duration_ms": result.duration_ms,
        "size": result.size,
        "provider": result.provider,
    }


def _progress() -> AbstractContextManager[Callable[[float, float | None], None] | None]:
    """A bar on a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext()
    from .bar import Bar

    return Bar(console, "speaking")
