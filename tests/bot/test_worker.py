"""The process from outside: how it starts, refuses to, and stops. Calls: `test_whole_call`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import httpx
import pytest

from bot.phone.identity import CallIdentity
from bot.telephony.signature import SIGNATURE_HEADER, sign
from tests.bot.running import ROOT, running_worker

pytestmark = pytest.mark.real_time

DEADLINE_S = 30.0


async def serve(tmp_path: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and standard error of a `parley serve` that ends by itself."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "TWILIO_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", *arguments),
        cwd=ROOT,
        env={**clean, "PARLEY_STATE_DIR": str(tmp_path / "state"), **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, err.decode().splitlines()[-1]


async def test_a_worker_starts_and_stops() -> None:
    async with running_worker(PARLEY_POCKETSPHINX_PROCESSES="1") as worker:
        async with httpx.AsyncClient(base_url=worker.phone.public_url) as client:
            assert (await client.get("/ready")).json() == {"status": "ready"}
            unsigned = await client.post("/twilio/voice", data={"CallSid": "CA1"})
            assert unsigned.status_code == 403
            assert set(unsigned.json()) == {"error"}
            assert (await client.get("/nowhere")).status_code == 404
            assert (await client.get("/twilio/voice")).status_code == 405
        worker.process.terminate()
        async with asyncio.timeout(15):
            assert await worker.process.wait() == 0


async def test_a_worker_takes_no_more_calls_than_its_recognizer() -> None:
    async with running_worker(PARLEY_POCKETSPHINX_PROCESSES="2") as worker:
        url = f"{worker.phone.public_url}/twilio/voice"
        answers = []
        async with httpx.AsyncClient() as client:
            for _ in range(3):
                form = CallIdentity("AC" + "1" * 32, "+15550001111", "+15551234567").webhook(
                    "ringing"
                )
                signed = {SIGNATURE_HEADER: sign(worker.phone.auth_token, url, [*form.items()])}
                answers.append((await client.post(url, data=form, headers=signed)).text)
    assert ["<Connect" in answer for answer in answers] == [True, True, False]
    assert "<Reject" in answers[2]


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = await serve(tmp_path, "--dev", "--port", str(port))
    assert (code, line) == (1, f"parley serve: 127.0.0.1:{port}: Address already in use")


async def test_recordings_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, line = await serve(
        tmp_path,
        *("--dev", "--port", "0"),
        PARLEY_RECORDINGS=str(tmp_path / "file" / "x"),
        PARLEY_POCKETSPHINX_PROCESSES="1",
    )
    assert (code, line) == (1, f"parley serve: {tmp_path}/file/x: Not a directory")


async def test_a_dialog_that_is_not_there(tmp_path: Path) -> None:
    code, line = await serve(tmp_path, "--dev", "--port", "0", PARLEY_DIALOG="no_such:bot")
    assert code == 2
    assert line.startswith("PARLEY_DIALOG: dialog 'no_such:bot': no module 'no_such'")


async def test_a_voice_that_is_not_there(tmp_path: Path) -> None:
    code, line = await serve(tmp_path, "--dev", "--port", "0", PARLEY_VOICE="nobody")
    assert code == 2
    assert line.startswith("PARLEY_LANGUAGE, PARLEY_VOICE or a number's own: espeak: ")
    assert "nobody" in line


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {}, "TWILIO_AUTH_TOKEN: is not set"),
        (["--dev"], {"PARLEY_MAX_CALLS": "many"}, "PARLEY_MAX_CALLS: held 'many'"),
        (["--dev", "--host", "0.0.0.0"], {}, "--dev binds loopback only"),
    ],
)
async def test_a_wrong_setting(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    code, line = await serve(tmp_path, *arguments, **variables)
    assert code == 2
    assert said in line
