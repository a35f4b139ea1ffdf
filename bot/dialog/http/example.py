"""A server for the `http` dialog, as small as one can be: `uvicorn bot.dialog.http.example:app`."""

import hmac
import os
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def answer(request: Request) -> Response:
    secret, body = os.environ["PARLEY_HTTP_SECRET"].encode(), await request.body()
    stamp = request.headers.get("parley-timestamp", "")
    shown = request.headers.get("parley-signature", "")
    right = "v1=" + hmac.new(secret, stamp.encode() + b"." + body, "sha256").hexdigest()
    # As bytes: only those may be compared whatever they are. A right stamp is a number.
    if not hmac.compare_digest(right.encode(), shown.encode()):
        return Response(status_code=403)
    if abs(time.time() - int(stamp)) > 60:
        return Response(status_code=403)
    match await request.json():
        case {"event": "greet"}:
            return JSONResponse({"say": "Hello. What can I do for you?"})
        case {"event": "turn", "turn": {"text": text}} if "goodbye" in text:
            return JSONResponse({"say": "Goodbye.", "actions": [{"action": "hangup"}]})
        case {"event": "turn", "turn": {"text": text}}:
            return JSONResponse({"say": f"You said {text}."})
    return Response(status_code=204)


app = Starlette(routes=[Route("/", answer, methods=["POST"])])
