"""The stand-in as a shell starts it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.serving import silent_server
from tests.vendors.__main__ import main

from .talking import CONFIG, talking, text_of


async def test_it_starts_from_a_shell(tmp_path: Path) -> None:
    saved = tmp_path / "known.ulaw"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.vendors", "soniox", "--port", "0", "--save", str(saved)),
        *("--misbehave", "error:code=503,at_ms=500", "behave"),
        env={**os.environ, "SONIOX_API_KEY": "from-the-shell"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip().partition("=")[2]
        heard = []
        for _ in range(2):
            async with talking(url, CONFIG, saved.read_bytes(), "", key="from-the-shell") as talk:
                heard.append(await talk.rest())
    finally:
        process.terminate()
        await process.wait()
    assert heard[0][-1]["error_code"] == 503
    assert text_of(heard[1]).startswith("Hello, I would like to make an appointment.<end>")


def test_a_shell_is_told_what_to_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SONIOX_API_KEY", raising=False)
    for arguments, complaint in (
        ([], "set SONIOX_API_KEY"),
        (["--misbehave", "explode"], "no fault is called 'explode'"),
        (["--recordings", str(tmp_path)], "README.md"),
        (["--set", "colour=red"], "colour"),
        (["--mode", "real", "--phrases", str(tmp_path / "none")], "none"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["soniox", *arguments])
        assert complaint in capsys.readouterr().err
        monkeypatch.setenv("SONIOX_API_KEY", "k")


def test_a_port_that_is_taken_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONIOX_API_KEY", "k")
    with silent_server() as port, pytest.raises(SystemExit, match="1"):
        main(["soniox", "--port", str(port)])
    (line,) = capsys.readouterr().err.splitlines()
    assert f"port {port}" in line
