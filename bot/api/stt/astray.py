"""What is answered to a request that came to the wrong door of the service."""

from __future__ import annotations

import time
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .faults import Fault
from .origins import PATHS

__all__ = ["explained", "upgrades"]

_CODES = {404: "not_found", 405: "method_not_allowed"}


def explained(request: Request, error: HTTPException) -> Response | None:
    """The answer to a request that nobody takes; None when that is not the service's affair."""
    code = _CODES.get(error.status_code)
    if code is None or not request.url.path.startswith(PATHS):
        return None
    fault = Fault(code, error.detail, allowed=_methods(error) or ["/stt/openapi.json"])
    return JSONResponse(fault.values(time.time()), fault.status, headers=error.headers)


def upgrades(paths: Iterable[str]) -> list[Route]:
    """What answers plain HTTP at the addresses of WebSockets."""
    return [Route(path, _upgrade) for path in paths]


async def _upgrade(request: Request) -> Response:
    fault = Fault(
        "not_a_websocket",
        "this is a WebSocket: connect to it by ws: or wss:",
        allowed={"Upgrade": "websocket"},
    )
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}  # RFC 9110, section 15.5.22
    return JSONResponse(fault.values(time.time()), fault.status, headers)


def _methods(error: HTTPException) -> list[str]:
    allow = (error.headers or {}).get("Allow", "")
    return sorted(method.strip() for method in allow.split(",") if method.strip())
