"""The routes, and what every request to them has in common: who asks, and in which form."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import parameters
from .account import Account
from .paging import page_of
from .parameters import Given, Parameter
from .problem import Problem, denied, not_found
from .recording import Recording
from .resources import API_VERSION, Json, account_json, recording_json

__all__ = ["rest_app"]

FORM = "application/x-www-form-urlencoded"
ROOT = f"/{API_VERSION}/Accounts/{{account}}"

Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """The operations that are known, on one account; `complain` hears what is odd."""

    def __init__(self, account: Account, complain: Callable[[str], None]) -> None:
        self._account = account
        self._complain = complain

    def table(self) -> list[Route]:
        """Every route."""
        return [
            self._route("account", f"/{API_VERSION}/Accounts/{{account}}.json", self.account),
            self._route("calls", f"{ROOT}/Calls.json", self.calls, self.create),
            self._route("call", f"{ROOT}/Calls/{{call}}.json", self.fetch, self.update),
            self._route("record", f"{ROOT}/Calls/{{call}}/Recordings.json", None, self.record),
            self._route(
                "recording",
                f"{ROOT}/Calls/{{call}}/Recordings/{{recording}}.json",
                self.recording,
                self.change,
            ),
            self._route("numbers", f"{ROOT}/IncomingPhoneNumbers.json", self.numbers),
            self._route(
                "number", f"{ROOT}/IncomingPhoneNumbers/{{number}}.json", self.number, self.set
            ),
        ]

    async def account(self, request: Request) -> Response:
        account = self._account
        await self._read(request, {})
        return _json(account_json(account.sid, account.auth_token, account.created_s))

    async def calls(self, request: Request) -> Response:
        given = await self._read(request, parameters.CALLS)
        chosen, around = page_of(self._account.calls(given), request.url.path, given)
        return _json({**around, "calls": [self._account.shown(call) for call in chosen]})

    async def create(self, request: Request) -> Response:
        given = await self._read(request, parameters.CREATE)
        said = len(given.complaints)
        call = self._account.create(given)
        self._tell(request, given.complaints[said:])
        return _json(self._account.shown(call), 201)

    async def fetch(self, request: Request) -> Response:
        await self._read(request, {})
        call = self._account.call(request.path_params["call"], request.url.path)
        return _json(self._account.shown(call))

    async def update(self, request: Request) -> Response:
        call = self._account.call(request.path_params["call"], request.url.path)
        given = await self._read(request, parameters.CALL)
        said = len(given.complaints)
        try:
            self._account.update(call, given)
        finally:
            self._tell(request, given.complaints[said:])
        return _json(self._account.shown(call))

    async def record(self, request: Request) -> Response:
        call = self._account.call(request.path_params["call"], request.url.path)
        given = await self._read(request, parameters.RECORD)
        recording, new = self._account.record(call, given)
        return _json(recording_json(recording), 201 if new else 200)

    async def recording(self, request: Request) -> Response:
        await self._read(request, {})
        return _json(recording_json(self._recording(request)))

    async def change(self, request: Request) -> Response:
        given = await self._read(request, parameters.RECORDING)
        parameters.need(given, "Status", code=20001, fault="Status is required")
        status, behavior = given.values["Status"], given.get("PauseBehavior")
        if behavior is not None and status != "paused":
            self._tell(request, ["PauseBehavior applies to a pause alone"])
        recording = self._recording(request)
        recording.become(status, behavior)
        return _json(recording_json(recording))

    async def numbers(self, request: Request) -> Response:
        given = await self._read(request, parameters.NUMBERS)
        found = self._account.numbers_like(given)
        chosen, around = page_of(found, request.url.path, given)
        shown = [self._account.number_json(number) for number in chosen]
        return _json({**around, "incoming_phone_numbers": shown})

    async def number(self, request: Request) -> Response:
        await self._read(request, {})
        number = self._account.numbers.get(request.path_params["number"])
        if number is None:
            raise not_found(request.url.path)
        return _json(self._account.number_json(number))

    async def set(self, request: Request) -> Response:
        number = self._account.numbers.get(request.path_params["number"])
        if number is None:
            raise not_found(request.url.path)
        self._account.set(number, await self._read(request, parameters.NUMBER))
        return _json(self._account.number_json(number))

    def _recording(self, request: Request) -> Recording:
        path, sids = request.url.path, request.path_params
        call = self._account.call(sids["call"], path)
        return self._account.recording(call.sid, sids["recording"], path)

    def _route(
        self, name: str, path: str, get: Handler | None, post: Handler | None = None
    ) -> Route:
        handlers = {"GET": get, "POST": post}
        methods = [method for method, handler in handlers.items() if handler is not None]

        async def answer(request: Request) -> Response:
            handler = handlers["GET" if request.method == "HEAD" else request.method]
            try:
                self._admit(request)
                assert handler is not None
                return await handler(request)
            except Problem as problem:
                return refused(problem)

        return Route(path, answer, methods=methods, name=name)

    def _admit(self, request: Request) -> None:
        account, shown = self._account, _credentials(request)
        right = f"{account.sid}:{account.auth_token}"
        # Another account's resources are refused like a wrong token: assumed.
        if not hmac.compare_digest(shown, right.encode()):
            raise denied()
        if request.path_params["account"] != account.sid:
            raise denied()

    async def _read(self, request: Request, known: Mapping[str, Parameter]) -> Given:
        query = request.url.query
        if request.method == "GET":
            given = parameters.read(parse_qsl(query, keep_blank_values=True), known)
        else:
            form = (await request.body()).decode()
            if form and not request.headers.get("content-type", "").startswith(FORM):
                self._tell(request, ["a body that is no form is not read"])
                form = ""
            if query:
                self._tell(request, ["a query beside a form is not read"])
            given = parameters.read(parse_qsl(form, keep_blank_values=True), known)
        self._tell(request, given.complaints)
        return given

    def _tell(self, request: Request, complaints: list[str]) -> None:
        for complaint in complaints:
            self._complain(f"{request.method} {request.url.path}: {complaint}")


def rest_app(account: Account, complain: Callable[[str], None]) -> Starlette:
    """The API of one account."""

    async def unknown(request: Request, _error: Exception) -> Response:
        complain(f"{request.method} {request.url.path}: there is no such resource here")
        return refused(not_found(request.url.path))

    async def forbidden(request: Request, _error: Exception) -> Response:
        complain(f"{request.method} {request.url.path}: not a method of this resource")
        return refused(Problem(405, 20004, "Method not allowed"))

    return Starlette(
        routes=Routes(account, complain).table(),
        exception_handlers={404: unknown, 405: forbidden},
    )


def refused(problem: Problem) -> Response:
    """What a refusal is answered with."""
    response = _json(problem.body, problem.status)
    if problem.status == 401:
        response.headers["www-authenticate"] = 'Basic realm="Twilio API"'
    return response


def _json(body: Mapping[str, object] | Json, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _credentials(request: Request) -> bytes:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""
