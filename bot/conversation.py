"""What is said in one call: turns go to the dialog, its replies are spoken, and what was heard is
kept.

A reply is one task: the hook, its sentences and its actions, in order. Replies never overlap; one
that is interrupted is cancelled, and the history keeps what the caller heard of it.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from bot.dialog import (
    Action,
    Call,
    Expect,
    Gather,
    Hangup,
    HistoryEntry,
    Interruption,
    Play,
    Reply,
    Say,
    SendDigits,
    SetLanguage,
    Transfer,
    Turn,
)
from bot.dialog.hook import Dialog, Replies
from bot.line import Line
from bot.sentences import Sentences
from bot.speech import Speaker
from bot.telephony.pending import Leaving
from bot.turn import FinishTurn
from media.files import AudioFileError
from media.playout import Playout, PlayoutFull, Segment
from providers.errors import ProviderError

__all__ = ["Conversation"]

log = structlog.get_logger(__name__)

MAX_REPLIES = 64
"""How many replies may wait for one another: a caller can press keys faster than a bot speaks."""

_RECORDING = re.compile(r"\s*\[[^\[\]]+\.(?:wav|ulaw|ul)\]\s*", re.IGNORECASE)
"""What stands in the history for a recording that was played."""


@dataclass(slots=True)
class _Spoken:
    """A reply as it is being spoken: its segments, and what each of them says or plays."""

    entry: HistoryEntry
    segments: list[Segment] = field(default_factory=list)
    replies: list[Say | Play] = field(default_factory=list)

    def heard(self) -> str:
        return " ".join(filter(None, (segment.heard for segment in self.segments)))

    def unheard(self) -> list[Say | Play]:
        """From the first sentence that was not wholly heard."""
        whole = [segment.whole for segment in self.segments]
        return self.replies[whole.index(False) :] if False in whole else []


@dataclass(slots=True)
class _Taken:
    """A turn that is being answered: what to go back to if the caller goes on speaking."""

    entry: HistoryEntry
    state: dict[str, Any]


class Conversation:
    """The dialog of one call, from greeting to goodbye.

    Args:
        dialog: the user's hook.
        call: what the hook sees; its history and state are kept up to date here.
        speaker, playout: the way out.
        line: the call that carries it.
        spawn: starts a task in the call's task group.
        apology: µ-law of the apology and its text, said when a hook or the synthesizer fails.
        hook_timeout_s: how long a hook may take before each piece of its reply.
    """

    def __init__(
        self,
        dialog: Dialog,
        call: Call,
        speaker: Speaker,
        playout: Playout,
        line: Line,
        *,
        spawn: Callable[..., asyncio.Task[None]],
        apology: tuple[str, bytes],
        hook_timeout_s: float,
    ) -> None:
        self._dialog = dialog
        self.call = call
        self._speaker = speaker
        self._playout = playout
        self._line = line
        self._spawn = spawn
        self._apology = apology
        self._hook_timeout_s = hook_timeout_s
        self._task: asyncio.Task[None] | None = None
        self._replies: set[asyncio.Task[None]] = set()
        self._spoken: _Spoken | None = None
        self._taken: _Taken | None = None
        self._carried = ""
        self._unheard: list[Say | Play] = []
        self._turns = sum(entry.role == "caller" for entry in call.history)
        self.leaving = False

    @property
    def replying(self) -> bool:
        """Whether a reply is still being made (hook or synthesis)."""
        return self._task is not None and not self._task.done()

    # What happens in the call

    def greet(self) -> None:
        """The call has begun."""
        self._reply(self._dialog.greet(self.call))

    def come_back(self) -> None:
        """The call goes on in a new stream."""
        self._reply(self._dialog.on_resume(self.call, _unheard(self.call.history)))

    def finish_turn(self, finished: FinishTurn) -> None:
        """The caller's turn is over: record it and ask the dialog."""
        self._turns += 1
        text = f"{self._carried} {finished.text}".strip()
        self._carried = ""
        self._unheard = []
        turn = Turn(
            id=f"{self.call.sid}-{self._turns}",
            text=text,
            confidence=finished.confidence,
            start_ms=round(finished.start_ms),
            end_ms=round(finished.end_ms),
            rejected=finished.rejected,
        )
        entry = HistoryEntry("caller", text, text, turn.start_ms, turn.end_ms)
        self.call.history.append(entry)
        self._line.keep()
        self._taken = _Taken(entry, _copied(self.call.state))
        self._reply(self._dialog.on_turn(self.call, turn))

    def keys(self, digits: str) -> None:
        """The caller pressed a key, or all those that were to be gathered."""
        self._reply(self._dialog.on_dtmf(self.call, digits))

    def prompt(self, count: int) -> None:
        """The caller has been silent for long."""
        self._reply(self._dialog.on_idle(self.call, count))

    def interrupt(self) -> None:
        """The caller speaks over the bot: `clear` has been called on the ledger already."""
        for reply in self._replies:
            reply.cancel()
        spoken, self._spoken = self._spoken, None
        if self._taken is not None and not (spoken and spoken.heard()):
            self._take_back(self._taken, spoken)
        elif spoken is not None:
            self._note_interruption(spoken)
        self._taken = None
        self._line.keep()

    def resume(self) -> None:
        """What interrupted the bot was no speech: go on where it was interrupted."""
        if self._carried:
            self.finish_turn(FinishTurn("", None, self._line.now_ms(), self._line.now_ms()))
        else:
            unheard, self._unheard = self._unheard, []
            self._reply(_just(unheard))

    def settled(self) -> None:
        """All of the reply was heard, or the ledger was cleared by the end of the stream."""
        self._taken = None
        if self._spoken is not None:
            self._close_entry(self._spoken)
            self._spoken = None
            self._line.keep()

    # One reply

    def _reply(self, replies: Replies) -> None:
        if len(self._replies) >= MAX_REPLIES:
            log.warning("reply left out: too many are waiting", waiting=len(self._replies))
            return
        self._task = self._spawn(self._run(replies, self._task))
        self._replies.add(self._task)
        self._task.add_done_callback(self._replies.discard)

    async def _run(self, replies: Replies, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        leaving: Leaving | None = None
        try:
            leaving = await self._speak(replies)
        except ProviderError as error:
            log.error("speech engine failed", error=str(error))
            self._line.synthesizer_failed()
            await self.apologize()
        except AudioFileError as error:
            log.error("recording cannot be played", error=str(error))
            await self.apologize()
        except PlayoutFull as error:
            log.error("reply cut: too much to say", error=str(error))
        except Exception as error:
            # The user's code: whatever it raises, the call goes on.
            reason = "took too long" if isinstance(error, TimeoutError) else "raised"
            log.error(f"dialog {reason}", exc_info=error)
            self._line.hook_failed()
            await self.apologize()
        self._line.keep()
        self._line.reply_over()
        if leaving is not None:
            await self._line.leave(leaving)

    async def _speak(self, replies: Replies) -> Leaving | None:
        """Say a reply piece by piece. Returns the action that ends the stream, if it has one."""
        sentences = Sentences()
        async with aclosing(replies):
            while True:
                async with asyncio.timeout(self._hook_timeout_s):
                    reply = await anext(replies, None)
                if isinstance(reply, str):
                    for sentence in sentences.feed(reply):
                        await self._say(sentence)
                    continue
                for sentence in sentences.flush():
                    await self._say(sentence)
                if reply is None:
                    return None
                if isinstance(reply, Leaving):
                    self.leaving = True
                    return reply
                await self._act(reply)

    async def _act(self, action: Action) -> None:
        match action:
            case Say(text, interruptible):
                sentences = Sentences()
                for sentence in [*sentences.feed(text), *sentences.flush()]:
                    await self._say(sentence, interruptible=interruptible)
            case Play(path):
                segment = self._open(f"[{Path(path).name}]", action)
                await self._speaker.play(segment, Path(path))
            case Gather():
                self._line.gather(action)
            case Expect(phrases):
                self._line.expect(tuple(phrases))
            case SetLanguage(language, voice):
                await self._line.set_language(language)
                self.call.language = language
                self._speaker.set_language(language, voice)

    async def _say(self, sentence: str, *, interruptible: bool = True) -> None:
        pause = self._spoken is not None
        say = Say(_printable(sentence), interruptible)
        await self._speaker.say(self._open(say.text, say), pause=pause)

    async def apologize(self) -> None:
        """Say the apology."""
        await self.say_ready(*self._apology)

    async def say_ready(self, text: str, ulaw: bytes) -> None:
        """Say what was synthesized before the call."""
        with suppress(PlayoutFull, TimeoutError):
            await self._speaker.play_ready(self._open(text, Say(text)), ulaw)

    def _open(self, text: str, reply: Say | Play) -> Segment:
        """Open a segment in the ledger and note it in the history."""
        segment = self._playout.open(text, interruptible=reply.interruptible)
        if self._spoken is None:
            now_ms = round(self._line.now_ms())
            entry = HistoryEntry("bot", "", "", now_ms, now_ms)
            self.call.history.append(entry)
            self._spoken = _Spoken(entry)
        self._spoken.segments.append(segment)
        self._spoken.replies.append(reply)
        self._spoken.entry.text = " ".join(s.text for s in self._spoken.segments)
        return segment

    # Interruptions

    def _take_back(self, taken: _Taken, spoken: _Spoken | None) -> None:
        """Nothing was heard of the answer: the turn is not over, its words open the next one."""
        self.call.state.clear()
        self.call.state.update(taken.state)
        self._carried = taken.entry.text
        dropped = [taken.entry, spoken.entry] if spoken else [taken.entry]
        history = self.call.history
        history[:] = [entry for entry in history if all(entry is not d for d in dropped)]

    def _note_interruption(self, spoken: _Spoken) -> None:
        self._unheard = spoken.unheard()
        entry = spoken.entry
        self._close_entry(spoken)
        entry.interrupted = True
        interruption = Interruption(entry.text, entry.heard)
        self._task = self._spawn(self._tell(interruption, self._task))

    async def _tell(self, interruption: Interruption, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            async with (
                asyncio.timeout(self._hook_timeout_s),
                aclosing(self._dialog.on_interrupted(self.call, interruption)) as actions,
            ):
                async for action in actions:
                    if not isinstance(action, str | Say | Play | Hangup | Transfer | SendDigits):
                        await self._act(action)
        except Exception as error:
            log.error("dialog failed to note an interruption", exc_info=error)
            self._line.hook_failed()

    def _close_entry(self, spoken: _Spoken) -> None:
        entry = spoken.entry
        entry.heard = spoken.heard()
        starts = [s.heard_from_ms for s in spoken.segments if s.heard_from_ms is not None]
        ends = [s.heard_to_ms for s in spoken.segments if s.heard_to_ms is not None]
        if starts and ends:
            entry.start_ms, entry.end_ms = round(min(starts)), round(max(ends))


async def _just(replies: Iterable[Reply]) -> Replies:
    for reply in replies:
        yield reply


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    """The state to go back to. A value that cannot be copied, which is no JSON, stays as it is."""
    copies: dict[str, Any] = {}
    for key, value in state.items():
        try:
            copies[key] = copy.deepcopy(value)
        except Exception:
            copies[key] = value
    return copies


def _printable(text: str) -> str:
    """The text without halves of characters, as JSON cut in pieces has them: nothing takes them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unheard(history: list[HistoryEntry]) -> str:
    """What the bot said last, from the first sentence that was not wholly heard."""
    if not history or history[-1].role != "bot" or history[-1].heard == history[-1].text:
        return ""
    text, heard = history[-1].text, history[-1].heard
    sentences = Sentences()
    start = end = 0
    for sentence in [*sentences.feed(text), *sentences.flush()]:
        start = text.index(sentence, end)
        end = start + len(sentence)
        if end > len(heard):
            break
    # The name of a recording is not to be read out.
    return _RECORDING.sub(" ", text[start:]).strip()
