"""`parley voices`: who can speak."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.json_output import print_json

from .speech import config_option, json_option, names, run

if TYPE_CHECKING:
    from providers.processor import VoiceProcessor
    from providers.results import Voice

__all__ = ["voices"]


@click.command(epilog="Example: parley voices --language en-GB")
@click.option("--provider", metavar="NAME", help="Whose; several with commas between.")
@click.option("--language", metavar="TAG", help="Those that speak it: en is any English.")
@config_option
@json_option
def voices(provider: str | None, language: str | None, config: Path | None, as_json: bool) -> None:
    """List the voices of the synthesizers in use."""

    async def work(speech: VoiceProcessor) -> list[Voice]:
        return await speech.voices(language)

    found = run(work, tts=names(provider), config=config)
    if as_json:
        print_json(found)
        return
    from .display import print_voices

    print_voices(found)
