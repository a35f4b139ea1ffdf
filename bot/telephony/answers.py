"""Putting a decision into TwiML."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import structlog

from bot.dialog.types import Ended
from bot.record import Record
from bot.settings import BotSettings, Settings

from . import decision as d
from . import token as stream_token
from . import twiml
from .address import NEXT_PATH, VOICE_PATH, Address
from .requests import Form

__all__ = ["CALL_PARAMETERS", "Answer", "Answers", "direction_of"]

log = structlog.get_logger(__name__)

CALL_PARAMETERS = ("from", "to", "direction")
"""The `<Parameter>`s that tell a worker without Redis whose stream it has got."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A TwiML document, and how the call ends with it, if it does."""

    document: str
    ended: Ended | None = None


class Answers:
    """What Twilio is answered.

    Args:
        settings: the public address, the auth tokens, the apology, and which bot has which number.
        clock: seconds since the epoch.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._address = Address(settings.public_url)
        self._key = stream_token.derive_key(settings.auth_tokens[0])
        self._clock = clock

    def bot(self, form: Form) -> BotSettings:
        """What answers at the number that is ours: the one called, or the one that calls."""
        return self._settings.bot_for(form.get("To" if direction_of(form) == "inbound" else "From"))

    def render(self, decision: d.Decision, form: Form, record: Record | None) -> Answer:
        """The decision as TwiML, with a token of its own if it opens a stream."""
        address = self._address
        match decision:
            case d.Connect(generation, digits):
                return Answer(self._connect(form, record, generation, digits))
            case d.Dial(number, caller_id):
                return Answer(twiml.transfer(address, number, caller_id))
            case d.HangUp(ended):
                return Answer(twiml.hang_up(), ended)
            case d.End(ended):
                return Answer(twiml.nothing(), ended)
            case d.Apologize():
                return self._apologize(form)
            case d.Wait(attempt):
                return Answer(twiml.pause(address.url(NEXT_PATH, f"wait={attempt}")))
            case d.Redirect(hop):
                return Answer(twiml.redirect(address.url(VOICE_PATH, f"hop={hop}")))
            case d.Reject():
                return Answer(twiml.reject())

    def _connect(
        self, form: Form, record: Record | None, generation: int, digits: str | None
    ) -> str:
        token = stream_token.mint(
            self._key,
            form.get("CallSid"),
            form.get("AccountSid"),
            generation,
            self._clock(),
            secrets.token_urlsafe(12),
        )
        own = (form.get("From"), form.get("To"), direction_of(form))
        parameters = {
            **(record.parameters if record else {}),
            **dict(zip(CALL_PARAMETERS, own, strict=True)),
        }
        return twiml.connect(self._address, token, parameters=parameters, digits=digits)

    def _apologize(self, form: Form) -> Answer:
        bot = self.bot(form)
        number = bot.fallback_number
        log.error("call given up", call_sid=form.get("CallSid"), dials_fallback=number is not None)
        apology = twiml.Apology(self._settings.farewell, bot.language, number)
        # Whoever is dialled still has the caller: that call's end is this one's.
        ended = None if number else Ended("error", "the stream could not be kept")
        return Answer(twiml.apologize(self._address, apology), ended)


def direction_of(form: Form) -> Literal["inbound", "outbound"]:
    """Which way a call goes; Twilio says `outbound-api` and `outbound-dial`."""
    return "outbound" if form.get("Direction").startswith("outbound") else "inbound"
