"""What goes out in one stream of a call: from the ledger to the socket and the recording."""

from __future__ import annotations

import asyncio

from bot.parts import Counts, Socket
from bot.recording import CallRecording
from media.messages import Command, SendClear, SendMedia
from media.playout import Echoed, Played, Playout
from media.twilio import render

__all__ = ["Outbox"]

SEND_DEADLINE_S = 5.0
"""A peer that takes nothing for so long is gone."""


class Outbox:
    """Collects what is to be sent, and sends it. Times are milliseconds on the call's clock.

    Args:
        socket, stream_sid: where it goes.
        playout: the ledger.
        counts: where it is counted.
        recording: what gets the bot's side as it was heard, from `began_ms` on.
    """

    def __init__(
        self,
        socket: Socket,
        stream_sid: str,
        playout: Playout,
        counts: Counts,
        recording: CallRecording | None,
        began_ms: float,
    ) -> None:
        self._socket = socket
        self._stream_sid = stream_sid
        self._playout = playout
        self._counts = counts
        self._recording = recording
        self._began_ms = began_ms
        self._commands: list[Command] = []

    @property
    def clearing(self) -> bool:
        """Whether a `clear` is to be sent."""
        return SendClear() in self._commands

    def pump(self, now_ms: float) -> bool:
        """Take what the ledger has due; whether there is audio in it."""
        commands = self._playout.pump(now_ms)
        media = sum(isinstance(command, SendMedia) for command in commands)
        self._counts.media_out += media
        self._counts.marks += len(commands) - media
        self._commands += commands
        return media > 0

    def clear(self, now_ms: float) -> None:
        """Say no more of what is not heard yet."""
        cleared = self._playout.clear(now_ms)
        self._commands += cleared.commands
        self._counts.clears += len(cleared.commands)
        self._record(cleared.played)

    def mark_echoed(self, name: str, now_ms: float) -> Echoed:
        """As `Playout.mark_echoed`."""
        echoed = self._playout.mark_echoed(name, now_ms)
        self._record(echoed.played)
        return echoed

    def lost(self, now_ms: float) -> None:
        """The stream has ended: as `clear`, with nothing to send."""
        self._record(self._playout.lost(now_ms).played)

    async def send(self) -> None:
        """Send what there is now.

        Raises:
            ConnectionError: the peer is gone.
            TimeoutError: it takes nothing.
        """
        commands, self._commands = self._commands, []
        async with asyncio.timeout(SEND_DEADLINE_S):
            for command in commands:
                await self._socket.send(render(command, self._stream_sid))

    def _record(self, played: tuple[Played, ...]) -> None:
        if self._recording is not None:
            for piece in played:
                self._recording.bot(piece.audio, piece.start_ms - self._began_ms)
