"""What Twilio asks for TwiML, and tells of calls: a whole worker, or what a proof needs of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.campaign.types import Attempt
from bot.dialog import Ended
from bot.record import Record
from bot.store import StoreError
from tests.bot.survival.workers import Worker

__all__ = ["bot_app", "worker_of"]

TALK = '<Response><Pause length="60"/></Response>'
HANG_UP = "<Response><Hangup/></Response>"


def worker_of(folder: Path, redis_url: str, api_url: str, account: str, token: str) -> Worker:
    """A whole worker, which does not dial."""
    return Worker(
        "worker",
        folder,
        {
            "REDIS_URL": redis_url,
            "TWILIO_ACCOUNT_SID": account,
            "TWILIO_AUTH_TOKEN": token,
            "PARLEY_TWILIO_API_URL": api_url,
            "PARLEY_STATE_DIR": str(folder / "state"),
            "PARLEY_DIALER": "off",
            "PARLEY_MAX_CALLS": "1000",
            # Nobody speaks; and a recognizer on this machine would take but a few calls.
            "PARLEY_STT_PROVIDER": "deepgram",
            "DEEPGRAM_API_KEY": "none",
            "DEEPGRAM_BASE_URL": "http://127.0.0.1:9",
        },
    )


def bot_app(campaigns: CampaignStore, settling: Settling) -> Starlette:
    """The bot's application."""

    async def voice(request: Request) -> Response:
        form = dict(await request.form())
        noted = await campaigns.note(
            request.query_params["attempt"], sid=str(form["CallSid"]), status="in-progress"
        )
        ours = noted is not None and noted.sid == form["CallSid"]
        if noted is not None and ours:
            await settling.calls.commit(_talk(noted))
        return Response(TALK if ours else HANG_UP, media_type="text/xml")

    async def status(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        noted = await campaigns.note(
            request.query_params["attempt"],
            sid=form["CallSid"],
            status=form["CallStatus"],
            **_lasted(form),
        )
        if noted is not None and noted.state == "ended":
            await settling.settle(noted.id)
        return Response("<Response/>", media_type="text/xml")

    async def unavailable(_request: Request, _error: Exception) -> Response:
        return Response(status_code=503)

    return Starlette(
        routes=[
            Route("/twilio/voice", voice, methods=["POST"]),
            Route("/twilio/status", status, methods=["POST"]),
        ],
        exception_handlers={StoreError: unavailable},
    )


def _talk(attempt: Attempt) -> Record:
    """The record of a call that somebody took, as it will be."""
    made = Record(attempt.sid, direction="outbound", attempt=attempt.id, answered_ms=1)
    made.close(Ended("caller", "hung up"))
    return made


def _lasted(form: Mapping[str, str]) -> dict[str, Any]:
    if "CallDuration" not in form:
        return {}
    seconds = int(form["CallDuration"])
    return {"duration_s": seconds, "minutes": math.ceil(seconds / 60)}
