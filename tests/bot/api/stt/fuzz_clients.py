"""Clients that disturb the WebSockets of the service, and one that is not to notice it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .described import Described
from .fuzz_messages import FuzzMessages

__all__ = ["Fuzz", "Played"]

STREAM, ASR = "/stt/stream", "/ws/asr-stream"
CHANNELS = {STREAM: "stream", ASR: "asrStream"}
ANSWER_S = 30.0
SEND_S = 5.0
MOST_A_SESSION = 60
# Frames that break the protocol: a reserved opcode, text that is no UTF-8, one that goes on with
# nothing, one without a mask, one that says it has 2^62 bytes, a ping that is too long.
FRAMES = [
    bytes([0x83, 0x80, 0, 0, 0, 0]),
    bytes([0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFE]),
    bytes([0x80, 0x81, 0, 0, 0, 0, 0x61]),
    bytes([0x82, 0x01, 0x61]),
    bytes([0x82, 0xFF, 0x40, *bytes(7), 0, 0, 0, 0]),
    bytes([0x89, 0xFE, 0x01, 0x00, 0, 0, 0, 0, *bytes(256)]),
]


@dataclass(frozen=True, slots=True)
class Played:
    """What is said in a session that is to be understood.

    Attributes:
        query: asks `/stt/stream` for the session.
        pieces: the audio.
        piece_s: how long each lasts.
        text: what is understood.
    """

    query: str
    pieces: list[bytes] = field(repr=False)
    piece_s: float
    text: str


@dataclass
class Fuzz:
    """Messages, some thousand, into sessions of one worker.

    Args:
        url: of the worker, `ws://…`.
        played: by whom is not to be harmed.
        messages: how many.
        seed: of the random numbers.
        doors: which ones are disturbed.

    Attributes:
        sent: how many messages were, so far.
        whole: how many sessions were understood word for word, undisturbed and disturbed.
        told: how often each type of message came, and each error, by its code.
        ends: how sessions ended.
    """

    url: str
    played: Played
    messages: int
    seed: int
    doors: tuple[str, ...] = (STREAM, ASR)
    sent: int = 0
    whole: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    async def run(self, *, wild: int = 8, heckled: int = 2) -> None:
        """Send them all.

        Args:
            wild: clients that send anything.
            heckled: sessions that send what is no message, among their audio.

        Raises (in a group):
            AssertionError: a session was harmed.
            ValidationError, KeyError: a message was not as it is described.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._undisturbed())
            for number in range(heckled):
                group.create_task(self._heckled(FuzzMessages(self.seed * 1000 + number)))
            for number in range(wild):
                group.create_task(self._wild(FuzzMessages(self.seed * 1000 + 500 + number)))

    @property
    def over(self) -> bool:
        """Whether all messages were sent."""
        return self.sent >= self.messages

    async def _undisturbed(self) -> None:
        while not self.over or not self.whole["undisturbed"]:
            async with self._connect(STREAM, self.played.query) as websocket:
                told = await self._play(websocket, None)
            assert not told["error"], told
            self.whole["undisturbed"] += 1

    async def _heckled(self, fuzz: FuzzMessages) -> None:
        while not self.over or not self.whole["heckled"]:
            async with self._connect(STREAM, self.played.query) as websocket:
                before = self.sent
                told = await self._play(websocket, fuzz)
            # Each is answered, and what is not one at all harms nobody.
            assert told["error"] == told["heckling"], (told, self.sent - before)
            self.whole["heckled"] += 1

    async def _play(self, websocket: ClientConnection, fuzz: FuzzMessages | None) -> Counter[str]:
        """Say what is to be understood, perhaps with noise between; what was told, by type."""
        told, heckling = Counter[str](), 0
        reading = asyncio.create_task(self._read(websocket, STREAM, told))
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        try:
            for piece in self.played.pieces:
                await websocket.send(piece)
                due_s += self.played.piece_s
                while fuzz is not None and fuzz.chance(0.7):
                    await websocket.send(fuzz.noise())
                    heckling += 1
                    self.sent += 1
                await asyncio.sleep(max(0.0, due_s - loop.time()))
            await websocket.send('{"type":"close"}')
            async with asyncio.timeout(ANSWER_S):
                last = await reading
        finally:
            reading.cancel()
        assert last is not None
        assert last["type"] == "session_ended", last
        assert _words(last["text"]) == _words(self.played.text), "it was understood wrongly"
        assert websocket.close_code == 1000
        told["heckling"] = heckling
        return told

    async def _wild(self, fuzz: FuzzMessages) -> None:
        while not self.over:
            door = fuzz.choice([*self.doors])
            query = self.played.query if fuzz.chance(0.5) else fuzz.query()
            try:
                async with self._connect(door, query) as websocket:
                    await self._disturb(websocket, door, fuzz)
            except InvalidStatus as error:
                self.ends[f"HTTP {error.response.status_code}"] += 1
                self.sent += 1
            except ConnectionClosed:
                pass

    async def _disturb(self, websocket: ClientConnection, door: str, fuzz: FuzzMessages) -> None:
        told = Counter[str]()
        reading = asyncio.create_task(self._read(websocket, door, told))
        try:
            if door == ASR and fuzz.chance(0.7):
                await websocket.send('{"language_code":"en-US"}')
            for _ in range(fuzz.choice([1, 10, MOST_A_SESSION])):
                self.sent += 1
                async with asyncio.timeout(SEND_S):
                    await websocket.send(fuzz.any())
                if self.over:
                    break
            await self._leave(websocket, door, fuzz, told, reading)
        except ConnectionClosed:
            self.ends[f"closed: {websocket.close_code} {websocket.close_reason}"] += 1
            await reading
        except TimeoutError:
            self.ends["slowed"] += 1
            websocket.transport.abort()
        finally:
            reading.cancel()

    async def _leave(
        self,
        websocket: ClientConnection,
        door: str,
        fuzz: FuzzMessages,
        told: Counter[str],
        reading: asyncio.Task[dict[str, Any] | None],
    ) -> None:
        """Go away in one of the ways in which clients do, or see that the session still works."""
        if fuzz.chance(0.1):
            self.ends["gone"] += 1
            websocket.transport.abort()
            return
        if fuzz.chance(0.15):
            self.ends["broken frame"] += 1
            websocket.transport.write(fuzz.choice(FRAMES))
            async with asyncio.timeout(ANSWER_S):
                await reading
            return
        await websocket.send('{"type":"close"}' if door == STREAM else '{"type":"end"}')
        async with asyncio.timeout(ANSWER_S):
            last = await reading
        assert last is not None or websocket.close_code is not None
        assert websocket.close_code != 1006, f"{door}: closed without a word after {told}, {last}"
        kind = last["type"] if last else "nothing"
        self.ends[f"{kind}, {websocket.close_code} {websocket.close_reason}"] += 1

    async def _read(
        self, websocket: ClientConnection, door: str, told: Counter[str]
    ) -> dict[str, Any] | None:
        """Take all that is told, see that it is as described; the last message."""
        described, last = Described(CHANNELS[door]), None
        with suppress(ConnectionClosed):
            async for message in websocket:
                last = described.check(message)
                told[last["type"]] += 1
                self.told[last["type"]] += 1
                if last["type"] == "error":
                    self.told[f"error: {last['code']}"] += 1
                    assert last["code"] != "internal", last
        return last

    def _connect(self, door: str, query: str) -> connect:
        return connect(
            f"{self.url}{door}?{query}",
            compression=None,
            proxy=None,
            max_size=None,
            open_timeout=ANSWER_S,
            close_timeout=ANSWER_S,
        )


def _words(text: str) -> list[str]:
    return text.lower().replace(",", " ").replace(".", " ").split()
