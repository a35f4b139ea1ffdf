"""One call's session between engines that do as told and a telephone that plays in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.call import CallSession
from bot.dialog import Call
from bot.dialog.hook import Dialog
from bot.parts import CallParts, Commit, Counts, Kind, StreamEnd, Switch
from bot.phone.playback import ULAW_SILENCE, PlayoutBuffer
from bot.recording import CallRecording
from bot.telephony.pending import Leaving
from bot.turn import TurnSettings
from media.audio import Samples, pcm_to_ulaw
from media.messages import Dtmf, Mark, Media, SendClear, SendMark, SendMedia, Stop
from media.twilio import parse_command, render_event
from media.vad import Model
from providers.ears import Ears
from providers.fallback import Candidate, Fallback
from providers.types import SttOptions, TtsOptions
from providers.usage import Use
from tests.bot.engines import Level, Recognizer, Tones, tone

__all__ = ["CALL", "STREAM", "Keeper", "Scene", "Telephone", "scene"]

STREAM = "MZ" + "0" * 32
CALL = "CA" + "0" * 32
FRAME_MS = 20
APOLOGY = "Sorry."
FAREWELL = "This cannot go on."
APOLOGY_MS = 300


class Telephone:
    """Twilio's end of a socket: sends a frame every 20 ms, plays what comes, echoes marks."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._voice = bytearray()
        self.track = bytearray()
        self.buffer = PlayoutBuffer(self.track)
        self.clears_ms: list[float] = []
        self.marks = 0
        self.frames = 0
        self.closed: int | None = None
        self.echoes = True
        self._late: list[str] | None = None
        self.stuck = asyncio.Event()
        self.stuck.set()
        self.closable = asyncio.Event()
        self.closable.set()

    @property
    def now_ms(self) -> float:
        return (self._loop.time() - self._began_s) * 1000

    async def listen(self, take: Callable[[str | bytes], None]) -> None:
        while (message := await self._inbox.get()) is not None:
            take(message)

    async def send(self, text: str) -> None:
        await self.stuck.wait()
        if self.closed is not None:
            raise ConnectionError("the peer is gone")
        command = parse_command(text, STREAM)
        self._play()
        if isinstance(command, SendMedia):
            self.buffer.put(command.payload)
        elif isinstance(command, SendMark):
            self.marks += 1
            self._echo(self.buffer.mark(command.name))
        elif isinstance(command, SendClear):
            self.clears_ms.append(self.now_ms)
            self._echo(self.buffer.clear())

    async def close(self, code: int) -> None:
        await self.closable.wait()
        self.closed = code

    async def run(self) -> None:
        """The line, until it is cancelled."""
        while True:
            self.frames += 1
            number = self.frames
            await asyncio.sleep(self._began_s + number * FRAME_MS / 1000 - self._loop.time())
            self._play()
            frame = bytes(self._voice[:160]).ljust(160, ULAW_SILENCE)
            del self._voice[:160]
            message = render_event(Media(frame, number, number * FRAME_MS, number), STREAM)
            if self._late is None:
                self._inbox.put_nowait(message)
            else:
                self._late.append(message)

    # What the caller does

    def speak(self, ms: float) -> None:
        """Make a sound from now on."""
        self.play(tone(ms))

    def play(self, samples: Samples) -> None:
        """Make this sound, after those before it."""
        self._voice += pcm_to_ulaw(samples)

    async def stall(self, ms: float, every_ms: float = 0) -> None:
        """The network holds the caller's sound back, then brings it, a frame `every_ms`."""
        self._late = []
        await asyncio.sleep(ms / 1000)
        while self._late:
            self._inbox.put_nowait(self._late.pop(0))
            if every_ms:
                await asyncio.sleep(every_ms / 1000)
        self._late = None

    def press(self, digits: str) -> None:
        for digit in digits:
            self._inbox.put_nowait(render_event(Dtmf(digit, 1), STREAM))

    def hang_up(self) -> None:
        self._inbox.put_nowait(render_event(Stop("AC" + "0" * 32, CALL, 1), STREAM))

    def drop(self) -> None:
        """Lose the connection."""
        self._inbox.put_nowait(None)

    def send_raw(self, message: str | bytes) -> None:
        self._inbox.put_nowait(message)

    @property
    def speech_ms(self) -> float:
        """How much of the bot's sound was played."""
        return sum(byte not in b"\xff\x7f" for byte in self.track) / 8

    def _play(self) -> None:
        self._echo(self.buffer.advance(round(self.now_ms * 8)))

    def _echo(self, names: list[str]) -> None:
        if self.echoes:
            for name in names:
                self._inbox.put_nowait(render_event(Mark(name, 1), STREAM))


@dataclass
class Keeper:
    """Keeps a call's record, or fails to."""

    saves: int = 0
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    commits: list[Leaving] = field(default_factory=list)
    refuse: int = 0
    secured: int = 0
    withdrawn: int = 0
    remarks: list[str] = field(default_factory=list)
    used: list[tuple[Kind, str]] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    metered_uses: list[Use] = field(default_factory=list)

    def save(self, *, at_once: bool = False) -> None:
        self.saves += 1

    def note(self, kind: str, **fields: Any) -> None:
        self.notes.append((kind, fields))

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def uses(self, kind: Kind, name: str) -> None:
        self.used.append((kind, name))

    def metered(self, use: Use) -> None:
        self.metered_uses.append(use)

    def switched(self, switch: Switch) -> None:
        self.switches.append(switch)

    async def secure(self) -> bool:
        await asyncio.sleep(0.001)
        self.secured += 1
        return True

    async def commit(self, action: Leaving) -> Commit:
        await asyncio.sleep(0.01)
        self.commits.append(action)
        self.refuse -= 1
        return "kept" if self.refuse < 0 else "unavailable"

    def withdraw(self) -> None:
        self.withdrawn += 1


@dataclass
class Scene:
    """A call in progress."""

    call: Call
    phone: Telephone
    stt: Recognizer
    tts: Tones
    keeper: Keeper
    counts: Counts
    session: CallSession
    running: asyncio.Task[StreamEnd]
    fails: bool = False

    @property
    def history(self) -> list[tuple[str, str, str]]:
        return [(entry.role, entry.text, entry.heard) for entry in self.call.history]

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def say(self, ms: float = 600, then_s: float = 1.0) -> None:
        """The caller speaks, then waits."""
        self.phone.speak(ms)
        await asyncio.sleep(ms / 1000 + then_s)

    async def ended(self) -> StreamEnd:
        async with asyncio.timeout(600):
            return await asyncio.shield(self.running)


@asynccontextmanager
async def scene(
    target: Any,
    *,
    texts: list[str | None] | None = None,
    stt: Recognizer | None = None,
    tts: Tones | None = None,
    more_stt: Sequence[Recognizer] = (),
    more_tts: Sequence[Tones] = (),
    keeper: Keeper | None = None,
    call: Call | None = None,
    turn: TurnSettings | None = None,
    apology: tuple[str, bytes] | None = None,
    hook_timeout_s: float = 2.0,
    counts: Counts | None = None,
    recording: CallRecording | None = None,
    vad: Model | None = None,
    **parts: Any,
) -> AsyncIterator[Scene]:
    """A call whose dialog is `target`, or any shape of hook. The caller hangs up at the end.

    `more_stt` and `more_tts` take over from `stt` and `tts`.
    """
    stt = stt or Recognizer(texts or [])
    tts = tts or Tones()
    keeper = keeper or Keeper()
    call = call or Call(CALL, "+15550100001", "+15550100002", "inbound")
    counts = counts or Counts()
    ears = Ears(vad or Level())
    phone = Telephone()
    session = CallSession(
        phone,
        STREAM,
        CallParts(
            call=call,
            dialog=target if isinstance(target, Dialog) else Dialog(target),
            ears=ears,
            stt=Fallback([Candidate(one.name, one) for one in (stt, *more_stt)]),
            tts=Fallback([Candidate(one.name, one) for one in (tts, *more_tts)]),
            stt_options=SttOptions(),
            stt_chunk_ms=100,
            tts_options=TtsOptions(),
            turn_settings=turn or TurnSettings(),
            keeper=keeper,
            counts=counts,
            apology=apology or (APOLOGY, pcm_to_ulaw(tone(APOLOGY_MS))),
            farewell=(FAREWELL, pcm_to_ulaw(tone(APOLOGY_MS))),
            hook_timeout_s=hook_timeout_s,
            recording=recording,
            **parts,
        ),
    )
    line = asyncio.create_task(phone.run())
    running = asyncio.create_task(session.run())
    try:
        call_scene = Scene(call, phone, stt, tts, keeper, counts, session, running)
        yield call_scene
        phone.hang_up()
        async with asyncio.timeout(30):
            await asyncio.wait([running])
        if not call_scene.fails:
            running.result()
    finally:
        phone.closable.set()
        phone.stuck.set()
        for task in (line, running):
            task.cancel()
        await asyncio.wait([line, running])
        ears.close()
        assert not ears.callback_errors
        assert not any(one.open for one in (stt, *more_stt)), "a stream was left open"
        assert not any(one.running for one in (tts, *more_tts)), "a synthesis was left running"
