"""The clients that users begin from, and the one of the README, at a service on real sockets."""

from __future__ import annotations

import asyncio
import re
import runpy
import wave
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as server
from websockets.exceptions import ConnectionClosed

from bot.api.stt.examples import client
from tests.background import until
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import LOUD, QUIET, serving

README = Path(__file__).parents[4] / "README.md"


def wav(folder: Path, audio: bytes) -> Path:
    path = folder / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(audio)
    return path


def printed(output: str) -> list[str]:
    """What a client has printed, among the lines of the service's log."""
    return [line for line in output.splitlines() if "[warning" not in line]


class Wire:
    """Passes on what clients send to a port, and back, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._ends: list[asyncio.StreamWriter] = []

    async def passes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends += [writer, back]
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()


@virtual_time_on_sockets
async def test_the_client_goes_on_when_the_connection_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = client.Recording(wav(tmp_path, 2 * (LOUD + QUIET) + 6 * QUIET))
    engine = Recognizer(texts=["one", "two"])
    async with serving(engine) as service:
        wire = Wire(service.port)
        relay = await asyncio.start_server(wire.passes, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
        task = asyncio.create_task(client.transcribe(recording, url, {"provider": "default"}))
        await until(lambda: len(engine.texts) < 2)
        wire.cut()
        await task
        relay.close()
    said, complained = capsys.readouterr()
    assert "the connection was lost (1006): going on" in complained
    assert printed(said) == ["one", "two"]
    assert service.sessions.tally.resumed["stream"] == len(engine.streams) == 1


@virtual_time_on_sockets
async def test_the_client_drops_what_the_service_has_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [(0, [(1, "one"), (2, "lost")]), (1, []), (1, [(2, "two")])]
    asked: list[str] = []

    async def serve(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append(socket.request.path.partition("&after=")[2])
        known, finals = told.pop(0)
        await say(socket, type="session_started", session_id="s", sequence=known, audio_ms=0)
        for sequence, text in finals:
            await say(socket, type="transcription", sequence=sequence, text=text, is_final=True)
        if told:
            await socket.close(1012)

    async with server(serve, "127.0.0.1", 0) as served:
        url = f"http://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}"
        await client.transcribe(client.Recording(wav(tmp_path, QUIET)), url, {})
    assert printed(capsys.readouterr().out) == ["one", "two"]
    assert asked == ["", "2", "1"]


async def say(socket: ServerConnection, **message: object) -> None:
    await socket.send(orjson.dumps(message).decode())


async def test_the_client_says_what_is_allowed(tmp_path: Path) -> None:
    recording = client.Recording(wav(tmp_path, QUIET))
    async with serving() as service:
        url = f"http://127.0.0.1:{service.port}"
        with pytest.raises(client.Refused, match=r"bad_channels: .*; allowed: \[1, 2\]"):
            await client.transcribe(recording, url, {"channels": "9"})


@pytest.mark.parametrize("example", ["client", "asr", "chunks"])
def test_what_is_no_parameter_is_explained(
    example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(client.__file__).with_name(f"{example}.py")
    monkeypatch.setattr("sys.argv", [script.name, "said.wav", "--url", "http://x", "fr", "a=b=c"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 2
    assert "'fr' is not NAME=VALUE" in capsys.readouterr().err


@virtual_time_on_sockets
async def test_the_client_says_what_cannot_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def serve(socket: ServerConnection) -> None:
        await say(socket, type="session_started", session_id="s", sequence=0, audio_ms=0)
        await socket.close(1012)

    recording = tmp_path / "said.ogg"
    recording.write_bytes(b"OggS")
    async with server(serve, "127.0.0.1", 0) as served:
        url = f"http://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}"
        with pytest.raises(ConnectionClosed):
            await client.transcribe(client.Recording(recording), url, {})
    assert "a container cannot be cut" in capsys.readouterr().err


@virtual_time_on_sockets
async def test_the_client_of_the_readme_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"^# dictate\.py\n.*?(?=^```$)", README.read_text("utf-8"), re.M | re.S)
    assert found is not None
    recording = wav(tmp_path, LOUD + QUIET)
    async with serving(Recognizer(texts=["good morning"])) as service:
        assert found[0].count(":8080") == 1
        script = tmp_path / "dictate.py"
        script.write_text(found[0].replace(":8080", f":{service.port}"), "utf-8")
        await runpy.run_path(str(script))["main"](str(recording))
    assert printed(capsys.readouterr().out) == ["good morning"]
