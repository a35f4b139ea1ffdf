"""What is said in one call: turns go to the dialog, its replies are spoken, and what was heard is
kept.

A reply is one task: its sentences and its actions, in order; its hook is read ahead in another.
Replies never overlap; one that is interrupted is cancelled, its hook not before it is sure that it
was no noise, and the history keeps what the caller heard of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.asking import Asking
from bot.comeback import Comeback
from bot.delivery import Delivery
from bot.dialog import Call, Gap, HistoryEntry, Say, Turn
from bot.dialog.hook import Dialog
from bot.interruptions import Interruptions
from bot.line import Line
from bot.parts import Counts, Keeper
from bot.progress import Progress
from bot.reply_queue import ReplyQueue, only
from bot.speech import Speaker
from bot.tasks import Tasks
from bot.telephony.pending import Leaving
from bot.turn import FinishTurn
from media.playout import Playout

__all__ = ["Conversation"]


class Conversation:
    """The dialog of one call, from greeting to goodbye.

    Args:
        dialog: the user's hook.
        call: what the hook sees; its history and state are kept up to date here.
        speaker, playout: the way out.
        line: the call that carries it.
        keeper: what saves history, state and progress.
        progress: what is under way; kept up to date here.
        counts: where failures and breaks are counted.
        tasks: the call's.
        apology: its text and µ-law, said when a hook or the synthesizer fails.
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
        keeper: Keeper,
        progress: Progress,
        counts: Counts,
        tasks: Tasks,
        apology: tuple[str, bytes],
        hook_timeout_s: float,
    ) -> None:
        self._dialog = dialog
        self.call = call
        self._line = line
        self._keeper = keeper
        self._progress = progress
        self._apology = apology
        self._asking = Asking(call, progress, keeper)
        self._delivery = Delivery(
            call,
            self._asking,
            speaker,
            playout,
            line,
            keeper=keeper,
            progress=progress,
            counts=counts,
            tasks=tasks,
            apology=apology,
        )
        self._queue = ReplyQueue(self._delivery, tasks, hook_timeout_s)
        self._interruptions = Interruptions(
            dialog,
            call,
            self._asking,
            self._queue,
            self._delivery,
            keeper=keeper,
            counts=counts,
            hook_timeout_s=hook_timeout_s,
        )
        self._comeback = Comeback(
            dialog,
            call,
            line,
            self._queue,
            self._delivery,
            keeper=keeper,
            progress=progress,
            counts=counts,
            apologize=self._apologize_again,
            ask_turn=self._ask_turn,
            ask_key=self._ask_key,
        )
        # What nothing was heard of in answer: a turn that is not over yet, and keys.
        self._carried: Turn | None = None
        self._talked_over: list[str] = []

    @property
    def replying(self) -> bool:
        """Whether a reply is still being made (hook or synthesis)."""
        return self._queue.making

    @property
    def leaving(self) -> bool:
        """Whether the bot is saying its last words, which may not be interrupted."""
        return self._delivery.leaving

    @property
    def refused(self) -> bool:
        """Whether the person has asked never to be called again."""
        return self._dialog.refused

    # What happens in the call

    def note_gap(self, gap: Gap | None) -> None:
        """As `Comeback.note_gap`."""
        self._comeback.note_gap(gap)

    def begin(self, *, resuming: bool) -> None:
        """As `Comeback.begin`."""
        self._comeback.begin(resuming=resuming)

    def finish_turn(self, finished: FinishTurn) -> None:
        """The caller's turn is over: record it and ask the dialog."""
        self._drop_held()
        self._hand_over(self._number(finished))

    def keys(self, digits: str) -> None:
        """The caller pressed a key, or all those that were to be gathered."""
        self._drop_held()
        if self._carried is not None and self._progress.speaking_from_ms is None:
            # It was the key that interrupted the answer: nothing will follow the turn's words.
            self.resume()
        if self._ask_key(digits):
            self._asking.add(digits)

    def prompt(self, count: int) -> None:
        """The caller has been silent for long."""
        self._queue.add("on_idle", self._dialog.on_idle(self.call, count))

    def interrupt(self) -> None:
        """The caller speaks over the bot: `clear` has been called on the ledger already.

        Or it was a noise. Until that is known, what was being said is held, and its hook runs on.
        """
        self._drop_held()
        for reply in reversed(self._queue.take_all()):
            reply.note_heard()
            if reply.asked is not None and reply.unanswered:
                self._asking.take_back(reply, reply.asked)
                if isinstance(reply.asked, Turn):
                    self._carried = reply.asked
                else:
                    self._talked_over.insert(0, reply.asked)
            elif reply.entry is not None and not reply.over:
                reply.entry.interrupted = reply.held = True
                self._interruptions.hold(reply)
            reply.cancel()
        self._interruptions.tell()
        self._keeper.save()

    def resume(self) -> None:
        """What interrupted the bot was no speech: go on where it was interrupted."""
        carried, self._carried = self._carried, None
        for reply in self._interruptions.take():
            if reply.reading is None:
                # No hook gave it: it is the apology for lost speech, which is said from its start.
                self._apologize_again()
                continue
            reply.go_on()
            self._queue.deliver(reply, reply.reading)
        if carried is not None:
            self._hand_over(replace(carried, retried=True))
        else:
            self._ask_keys()

    @property
    def unanswered(self) -> list[Turn | str]:
        """The turns and the keys that the dialog has not answered whole."""
        turn = self._progress.open_turn
        turns = [turn] if turn is not None else []
        return [*self._queue.asked, *turns, *self._progress.open_keys]

    def drop(self) -> None:
        """Nobody listens: what is being said is over, and what was asked is not to be answered.

        What was said in a turn that goes on, perhaps, is kept for `refuse`.
        """
        self.interrupt()
        self._drop_held()
        self._talked_over = []
        self._progress.open_turn, self._progress.open_keys = None, []
        self.stays()

    def refuse(self, asked: FinishTurn | Turn | str) -> bool:
        """Whether this, said or pressed while nobody is talked to, asks for no more calls.

        If so, the answer to that is said, and nothing else any more.
        """
        if isinstance(asked, str):
            hook, replies = "on_dtmf", self._dialog.refusal(self.call, pressed=asked)
        else:
            before = self._carried if isinstance(asked, FinishTurn) else None
            said = asked.text if before is None else f"{before.text} {asked.text}"
            hook, replies = "on_turn", self._dialog.refusal(self.call, said=said)
        if replies is None:
            return False
        self._line.clear()
        turn = self._number(asked) if isinstance(asked, FinishTurn) else asked
        self.drop()
        self._carried = None
        self._queue.begin_anew()
        self._queue.add(hook, replies, turn, by_twilio=True)
        self._asking.add(turn)
        return True

    def recite(self, text: str, then: Leaving) -> None:
        """Say what no hook gives, to its end, and leave."""
        self._queue.begin_anew()
        said = only(Say(text, interruptible=False))
        self._queue.add("recite", said, then=then, to_machine=True)

    def heard(self) -> None:
        """The caller has heard a sentence to its end."""
        self._queue.heard()
        self._keeper.save()

    def settled(self) -> None:
        """All that was said was heard, or will never be."""
        if self._queue.settled():
            self._keeper.save()

    def stays(self) -> None:
        """The bot wanted to leave and does not: the call goes on."""
        self._progress.planned = None
        self._delivery.leaving = False
        self._keeper.save()

    def lost(self) -> None:
        """The stream has ended, and the ledger is about to be cleared."""
        self._queue.lost()

    async def hear_out(self, words: FinishTurn | None, *, over: bool) -> None:
        """The stream has ended, and these words were in no turn yet.

        Nobody answers them; when the call is `over`, they are kept in the history all the same.
        """
        before = self._carried or self._progress.open_turn
        last = [each for each in (self._carried, words) if each is not None]
        if over and last:
            text = " ".join(each.text for each in last)
            start_ms, end_ms = round(last[0].start_ms), round(last[-1].end_ms)
            self.call.history.append(HistoryEntry("caller", text, text, start_ms, end_ms))
        said = [each.text for each in (before, words) if each is not None]
        await self._dialog.hear_out(self.call, said=" ".join(said))

    def ended(self) -> None:
        """The stream has ended: what was not answered whole is as if it had not been asked."""
        self._queue.heard()
        self._asking.stop()
        self._keeper.save()

    async def say_last(self, text: str, ulaw: bytes) -> None:
        """Say the last words of a call that cannot go on."""
        self._drop_held()
        self._delivery.leaving = True
        await self._queue.say_ready(text, ulaw)

    def _apologize_again(self) -> None:
        """The caller's words are lost, and the dialog has nothing of its own to say to that."""
        self._queue.add_ready(*self._apology)

    def _drop_held(self) -> None:
        """It was no noise: what was interrupted stays so."""
        if self._interruptions.drop():
            self.stays()

    # What the dialog is asked

    def _number(self, finished: FinishTurn) -> Turn:
        """The turn that was finished, with what was said of it before it was interrupted."""
        carried, self._carried = self._carried, None
        return self._asking.number(finished, carried)

    def _hand_over(self, turn: Turn) -> None:
        self._ask_keys()
        self._ask_turn(turn)
        self._asking.add(turn)

    def _ask_turn(self, turn: Turn, heard: Iterable[str] = ()) -> None:
        replies = self._dialog.on_turn(self.call, turn)
        self._queue.add("on_turn", replies, turn, heard=heard, by_twilio=True)

    def _ask_keys(self) -> None:
        """Ask for answers to keys that were talked over."""
        talked_over, self._talked_over = self._talked_over, []
        for digits in talked_over:
            self._ask_key(digits)

    def _ask_key(self, digits: str) -> bool:
        replies = self._dialog.on_dtmf(self.call, digits)
        return self._queue.add("on_dtmf", replies, digits, by_twilio=True)
