"""What a live call is told by REST: to do at once what its stream's end would have brought."""

from __future__ import annotations

import structlog

from bot.dialog.types import Hangup
from bot.record import Record

from .answers import Answers
from .pending import Leaving
from .rest import TwilioRest
from .rest_errors import CallGone, RestError

__all__ = ["Orders"]

log = structlog.get_logger(__name__)


class Orders:
    """Makes Twilio do an action now.

    Args:
        rest: Twilio's REST API.
        answers: puts actions into TwiML.
    """

    def __init__(self, rest: TwilioRest, answers: Answers) -> None:
        self._rest = rest
        self._answers = answers

    async def give(self, record: Record, action: Leaving) -> None:
        """Have the call of `record` do `action`, whatever it is doing.

        Raises:
            RestError: Twilio refused or did not answer; `CallGone` for a call that is over.
        """
        if isinstance(action, Hangup):
            await self._rest.complete(record.sid)
        else:
            await self._rest.instruct(record.sid, self._answers.inline(record, action))

    async def try_to_give(self, record: Record, action: Leaving) -> bool:
        """As `give`, which never raises: whether nothing is left to be done."""
        try:
            await self.give(record, action)
        except CallGone:
            return True
        except RestError as error:
            log.error("Twilio was not reached", call_sid=record.sid, error=str(error))
            return False
        return True
