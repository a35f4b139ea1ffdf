"""The Starlette app: its routes, and how a refusal is put."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from bot.api.stt.astray import explained
from bot.api.stt.origins import Cors, Origins
from bot.calls import Calls
from bot.metrics import CONTENT_TYPE, Metrics
from bot.record import Record
from bot.socket import CallSocket
from bot.telephony.address import MEDIA_PATH
from bot.telephony.admission import Admission, Admitted
from bot.telephony.answers import CALL_PARAMETERS, DIAL_STATUS_PARAMETER
from bot.telephony.requests import ATTEMPT, is_attempt
from bot.telephony.twiml import TOKEN_PARAMETER
from bot.telephony.webhooks import Webhooks

__all__ = ["build_app", "explain"]


def build_app(
    *,
    webhooks: Webhooks,
    admission: Admission,
    calls: Calls,
    api: Sequence[Route],
    stt: Sequence[BaseRoute],
    pages: Sequence[Route],
    origins: Origins,
    metrics: Metrics,
    health: Callable[[], Mapping[str, Any]],
    ready: Callable[[], bool],
) -> Starlette:
    """The app of one worker.

    Args:
        api: the routes below `/api`.
        stt: those of the streaming speech-to-text service.
        pages: those of the web pages.
        origins: whose web pages may use that.
        health: what is to be told of how the worker is.
        ready: whether the worker may be sent calls.
    """

    async def media(websocket: WebSocket) -> None:
        admitted = await admission.admit(websocket)
        if admitted is not None:
            record = admitted.record or _new_record(admitted)
            socket = CallSocket(websocket)
            await calls.carry(socket, admitted.start, record, admitted.silent_ms)

    async def how(request: Request) -> Response:
        return JSONResponse({"status": "ok", **health()})

    async def readiness(request: Request) -> Response:
        if not ready():
            return JSONResponse({"status": "not ready"}, 503)
        return JSONResponse({"status": "ready"})

    async def exposition(request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    app = Starlette(
        routes=[
            *webhooks.routes(),
            WebSocketRoute(MEDIA_PATH, media),
            Mount("/api", routes=api),
            *stt,
            *pages,
            Route("/health", how),
            Route("/ready", readiness),
            Route("/metrics", exposition),
        ],
        middleware=[Middleware(Cors, origins=origins)],
        exception_handlers={HTTPException: explain},
    )
    # A redirect would go to the host that the client names.
    app.router.redirect_slashes = False
    return app


def _new_record(admitted: Admitted) -> Record:
    """The record of a call that was taken while Redis was away: from what its stream says."""
    start = admitted.start
    own = {TOKEN_PARAMETER, DIAL_STATUS_PARAMETER, ATTEMPT, *CALL_PARAMETERS}
    attempt = start.parameters.get(ATTEMPT, "")
    outbound = start.parameters.get("direction") == "outbound"
    return Record(
        sid=start.call_sid,
        account_sid=start.account_sid,
        generation=admitted.claims.generation,
        from_number=start.parameters.get("from", ""),
        to_number=start.parameters.get("to", ""),
        direction="outbound" if outbound else "inbound",
        attempt=attempt if outbound and is_attempt(attempt) else None,
        parameters={key: text for key, text in start.parameters.items() if key not in own},
    )


async def explain(request: Request, error: Exception) -> Response:
    """What is answered to a request that is refused: why, as JSON."""
    assert isinstance(error, HTTPException)
    if (answer := explained(request, error)) is not None:
        return answer
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
