"""How one reply reaches the caller: the hook is read, its sentences spoken, its actions done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from bot.asking import Asking
from bot.dialog import Action, Call, Expect, Gather, Play, Say, SetLanguage
from bot.line import Line
from bot.parts import Counts, Keeper
from bot.progress import Progress
from bot.reading import HookFailed, Reading
from bot.reply import SpokenReply
from bot.speech import Speaker
from bot.tasks import Tasks, stop
from bot.telephony.pending import Leaving, SayByTwilio
from media.files import AudioFileError
from media.playout import Playout, PlayoutFull, Segment
from providers.errors import ProviderError

__all__ = ["Delivery"]

log = structlog.get_logger(__name__)


class Delivery:
    """Delivers the replies of one call.

    Args:
        call: its history is kept up to date here.
        asking: what the replies answer.
        speaker, playout: the way out.
        line: the call that carries it.
        keeper, progress: where it is kept.
        counts: where failures are counted.
        tasks: the call's.
        apology: text and µ-law, said when a hook or the synthesizer fails.

    Attributes:
        leaving: the bot is saying its last words, and may not be interrupted.
    """

    def __init__(
        self,
        call: Call,
        asking: Asking,
        speaker: Speaker,
        playout: Playout,
        line: Line,
        *,
        keeper: Keeper,
        progress: Progress,
        counts: Counts,
        tasks: Tasks,
        apology: tuple[str, bytes],
    ) -> None:
        self._call = call
        self._asking = asking
        self._speaker = speaker
        self._playout = playout
        self._line = line
        self._keeper = keeper
        self._progress = progress
        self._counts = counts
        self._tasks = tasks
        self._apology = apology
        self.leaving = False

    async def run(
        self, reply: SpokenReply, reading: Reading, before: asyncio.Task[None] | None
    ) -> None:
        """Deliver a reply when the one `before` it is made, then leave if it says so.

        One that was held goes on.
        """
        if before is not None:
            await asyncio.wait([before])
        if reply.reader is None:
            await self._asking.begin(reply)
        apology: SayByTwilio | None = None
        try:
            await self._speak(reply, reading)
        except ProviderError as error:
            log.error("speech engine failed", error=str(error))
            apology = await self._apologize(reply, speechless=True)
        except AudioFileError as error:
            log.error("recording cannot be played", error=str(error))
            apology = await self._apologize(reply)
        except PlayoutFull as error:
            log.error("reply cut", error=str(error))
            self._cut(reply)
        except HookFailed as failed:
            # The user's code: whatever it raises, the call goes on.
            reason = "took too long" if isinstance(failed.__cause__, TimeoutError) else "raised"
            log.error("dialog failed", hook=reply.hook, reason=reason, exc_info=failed.__cause__)
            self._counts.failed_hooks[reply.hook] += 1
            apology = await self._apologize(reply)
        self._asking.close(reply)
        self._keeper.save()
        self._line.reply_over()
        leaving = reading.leaving or apology
        if leaving is not None:
            self.leaving = True
            await self._line.leave(leaving)

    def hook_over(self, reply: SpokenReply, leaving: Leaving | None) -> None:
        """The hook has given its whole reply, of which perhaps nothing was said yet."""
        self._note_planned(reply)
        self._asking.close(reply)
        if leaving is not None:
            self.leaving = True
            self._progress.planned = leaving
        self._keeper.save(at_once=True)

    async def say_ready(self, reply: SpokenReply, text: str, ulaw: bytes) -> bool:
        """Say what should have been synthesized before the call; false when it cannot be said."""
        try:
            segment = self._open(reply, Say(text), text)
            if ulaw:
                await self._speaker.play_ready(segment, ulaw)
            else:
                await self._speaker.say(segment)
        except PlayoutFull as error:
            log.error("apology left out", error=str(error))
        except ProviderError as error:
            log.error("apology cannot be said", error=str(error))
            return False
        return True

    async def act(self, action: Action) -> None:
        """Do what a reply asks for beside speech."""
        match action:
            case Gather():
                self._line.gather(action)
            case Expect(phrases):
                self._line.expect(tuple(phrases))
            case SetLanguage(language, voice):
                await self._line.set_language(language)
                self._call.language = language
                self._speaker.set_language(language, voice)
                self._progress.speaks = action

    async def _speak(self, reply: SpokenReply, reading: Reading) -> None:
        """Say a reply piece by piece, and do what it asks for."""
        reply.reader = reply.reader or self._tasks.spawn_hook(reading.run())
        try:
            async for step in reading:
                match step:
                    case Say(text):
                        pause = not self._playout.idle
                        await self._speaker.say(self._open(reply, step, text), pause=pause)
                    case Play(path):
                        segment = self._open(reply, step, f"[{Path(path).name}]")
                        await self._speaker.play(segment, Path(path))
                    case _:
                        await self.act(step)
        finally:
            if not reply.held:
                await stop(reply.reader)

    def _open(self, reply: SpokenReply, step: Say | Play, text: str) -> Segment:
        """Open a segment in the ledger and note it in the history."""
        segment = self._playout.open(text, interruptible=step.interruptible)
        reply.said.append((step, segment))
        self._note_planned(reply)
        return segment

    def _note_planned(self, reply: SpokenReply) -> None:
        entry = reply.note_planned(self._line.now_ms())
        if entry is not None:
            self._call.history.append(entry)
            # Before any of it is heard: who comes after us must not begin anew.
            self._keeper.save()

    def _cut(self, reply: SpokenReply) -> None:
        """What was not said of it yet will not be."""
        if reply.reading is not None:
            reply.reading.ahead.clear()
        self._note_planned(reply)

    async def _apologize(
        self, reply: SpokenReply, *, speechless: bool = False
    ) -> SayByTwilio | None:
        """Say the apology instead of the rest of a reply; perhaps only Twilio can.

        A synthesizer that is `speechless` is not asked for it.
        """
        self._cut(reply)
        if reply.to_machine:
            return None
        text, ulaw = self._apology
        if (speechless and not ulaw) or not await self.say_ready(reply, text, ulaw):
            return SayByTwilio(text) if reply.by_twilio else None
        return None
