"""The process from outside: how it starts, refuses to, and stops. Calls: `test_whole_call`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

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


async def ring(client: httpx.AsyncClient, auth_token: str) -> str:
    """The TwiML that answers a new call."""
    url = f"{client.base_url}/twilio/voice"
    form = CallIdentity("AC" + "1" * 32, "+15550001111", "+15551234567").webhook("ringing")
    signed = {SIGNATURE_HEADER: sign(auth_token, url, [*form.items()])}
    return (await client.post(url, data=form, headers=signed)).text


async def test_a_worker_starts_and_takes_calls_and_sessions_and_stops() -> None:
    settings = {"PARLEY_POCKETSPHINX_PROCESSES": "2", "PARLEY_DRAIN_S": "1"}
    async with running_worker(**settings) as worker, AsyncExitStack() as sessions:
        url = worker.phone.public_url
        stream = f"{url.replace('http', 'ws', 1)}/stt/stream"
        session = await sessions.enter_async_context(connect(stream, proxy=None))
        assert orjson.loads(await session.recv())["type"] == "session_started"
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/ready")).json() == {"status": "ready"}
            health = (await client.get("/health")).json()
            assert (health["sessions"], health["providers"]["stt"]) == (1, {"pocketsphinx": "well"})
            stats = (await client.get("/streaming/stats")).json()
            assert (stats["workers"], stats["sessions"]["active"]["stream"]) == (1, 1)
            for described in ("/stt/openapi.json", "/stt/asyncapi.json"):
                assert (await client.get(described)).json()["info"]["version"]
            unsigned = await client.post("/twilio/voice", data={"CallSid": "CA1"})
            assert unsigned.status_code == 403
            assert set(unsigned.json()) == {"error"}
            assert (await client.get("/nowhere")).status_code == 404
            assert (await client.get("/twilio/voice")).status_code == 405
            answers = [await ring(client, worker.phone.auth_token) for _ in range(2)]
        # It takes no more calls and sessions than its recognizer.
        assert ["<Connect" in answer for answer in answers] == [True, False]
        assert "<Reject" in answers[1]
        full = await sessions.enter_async_context(connect(stream, proxy=None))
        assert orjson.loads(await full.recv())["code"] == "too_many_sessions"
        worker.process.terminate()
        async with asyncio.timeout(15):
            assert orjson.loads(await session.recv())["code"] == "draining"
            await session.wait_closed()
            assert (session.close_code, session.close_reason) == (1012, "draining")
            assert await worker.process.wait() == 0


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = await serve(tmp_path, "--dev", "--port", str(port))
    assert (code, line) == (1, f"parley serve: 127.0.0.1:{port}: Address already in use")


async def test_what_a_worker_is_made_of_is_not_there(tmp_path: Path) -> None:
    """Three workers at once: each loads its engines first."""
    (tmp_path / "file").touch()
    start = partial(serve, tmp_path, "--dev", "--port", "0", PARLEY_POCKETSPHINX_PROCESSES="1")
    folder, dialog, voice = await asyncio.gather(
        start(PARLEY_RECORDINGS=str(tmp_path / "file" / "x")),
        start(PARLEY_DIALOG="no_such:bot"),
        start(PARLEY_VOICE="nobody"),
    )
    assert folder == (1, f"parley serve: {tmp_path}/file/x: Not a directory")
    assert dialog[0] == 2
    assert dialog[1].startswith("PARLEY_DIALOG: dialog 'no_such:bot': no module 'no_such'")
    assert voice[0] == 2
    assert voice[1].startswith("PARLEY_LANGUAGE, PARLEY_VOICE or a number's own: espeak: ")
    assert "nobody" in voice[1]


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
