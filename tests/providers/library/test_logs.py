from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, logging, sys
from providers import VoiceProcessor
{more}
async def main():
    async with VoiceProcessor(tts_provider="espeak") as speech:
        await speech.voices()
    import structlog
    structlog.get_logger("providers.library.chosen").warning("it rains", amount=3)
asyncio.run(main())
"""


def run(more: str = "") -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(more=more)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout, done.stderr


def test_the_library_prints_nothing_but_warnings_as_python_does() -> None:
    assert run() == ("", "event='it rains' amount=3\n")


def test_who_configures_logging_gets_it_all() -> None:
    out, err = run("logging.basicConfig(level='INFO', format='%(name)s %(message)s')")
    assert out == ""
    assert "providers.library.chosen event='providers chosen' kind='tts'" in err
