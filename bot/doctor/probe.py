"""Through the public address to a worker and back: as Twilio would ask, but for no call.

The worker checks a signature before it reads what was signed. So a rightly signed form without a
call is refused with 400 and a wrongly signed one with 403, and nothing is stored for either.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bot.telephony.address import VOICE_PATH, Address
from bot.telephony.signature import SIGNATURE_HEADER, sign

from .finding import Finding, Tell, failure, ok, warning

__all__ = ["Probe"]

DEADLINE_S = 5.0
_PROBE = [("Probe", "parley doctor")]
_FORM = "application/x-www-form-urlencoded"
_FOREIGN_TOKEN = "not the auth token"

_WRONG_SIGNATURE = (
    "have the worker and this command read the same TWILIO_AUTH_TOKEN and PARLEY_PUBLIC_URL, and"
    " the proxy leave the path as it is"
)
_NO_WORKER = "start a worker, and have the proxy pass requests on to it"
_NO_PARLEY = "have the proxy pass /twilio/ on to a worker, the path unchanged"
_NO_UPGRADE = "have the proxy pass WebSocket upgrades (HTTP/1.1, Upgrade and Connection) on"


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc  # to Twilio a redirect is a refusal


class Probe:
    """Asks the worker behind an address.

    Args:
        address: the deployment's.
        auth_token: with which Twilio signs; None leaves out all that must be signed.
        context: with which its certificate is trusted; None for plain HTTP.
    """

    def __init__(
        self, address: Address, auth_token: str | None, context: ssl.SSLContext | None
    ) -> None:
        self._address = address
        self._auth_token = auth_token
        self._context = context

    async def run(self, tell: Tell) -> None:
        """Ask for health, then by webhook and for a stream, as long as anybody answers."""
        async with httpx.AsyncClient(
            verify=self._context if self._context is not None else False,
            timeout=DEADLINE_S,
            trust_env=False,
        ) as client:
            if not await self._health(client, tell):
                return
            if self._context is not None:
                await self._metrics(client, tell)
            if self._auth_token is not None:
                tell(await self._webhook(client, self._auth_token))
        if self._auth_token is not None:
            tell(await self._stream(self._auth_token))

    async def _health(self, client: httpx.AsyncClient, tell: Tell) -> bool:
        began_s = time.perf_counter()
        try:
            answer = await client.get(self._address.url("/health"))
        except httpx.HTTPError as error:
            tell(failure("worker", _unreached(self._address.public_url, error), _NO_WORKER))
            return False
        took_ms = (time.perf_counter() - began_s) * 1000
        status = answer.status_code
        if status in {502, 503, 504}:
            tell(failure("worker", f"the proxy reaches no worker (HTTP {status})", _NO_WORKER))
            return False
        if status != 200 or b'"status":"ok"' not in answer.content.replace(b" ", b""):
            # Health is nobody's business but the operator's.
            tell(ok("worker", f"/health is not shown from here (HTTP {status})"))
        else:
            tell(ok("worker", f"a worker answers in {took_ms:.0f} ms"))
        return True

    async def _metrics(self, client: httpx.AsyncClient, tell: Tell) -> None:
        try:
            answer = await client.get(self._address.url("/metrics"))
        except httpx.HTTPError:
            return  # what matters is asked next
        if answer.is_success and b"parley_" in answer.content:
            text = "everybody can read /metrics at the public address"
            tell(warning("worker", text, "have the proxy pass /twilio/ alone, and /api/ if needed"))

    async def _webhook(self, client: httpx.AsyncClient, auth_token: str) -> Finding:
        try:
            right = await self._post(client, auth_token)
            wrong = await self._post(client, _FOREIGN_TOKEN)
        except httpx.HTTPError as error:
            text = _unreached(self._address.url(VOICE_PATH), error)
            return failure("webhook", text, _NO_WORKER)
        if right.status_code == 403:
            return failure("webhook", "the worker takes our signature for wrong", _WRONG_SIGNATURE)
        if right.status_code != 400 or b"CallSid" not in right.content:
            text = f"{VOICE_PATH} answered HTTP {right.status_code}, which no worker does"
            return failure("webhook", text, _NO_PARLEY)
        if wrong.status_code != 403:
            text = f"a wrong signature was answered with HTTP {wrong.status_code} instead of 403"
            return failure("webhook", text, "have the proxy pass the worker's answers on unchanged")
        return ok("webhook", "signatures are accepted when right and refused when wrong")

    async def _post(self, client: httpx.AsyncClient, auth_token: str) -> httpx.Response:
        url = self._address.url(VOICE_PATH)
        headers = {"Content-Type": _FORM, SIGNATURE_HEADER: sign(auth_token, url, _PROBE)}
        return await client.post(url, content=urlencode(_PROBE), headers=headers)

    async def _stream(self, auth_token: str) -> Finding:
        try:
            right = await self._upgrade(auth_token)
            wrong = await self._upgrade(_FOREIGN_TOKEN)
        except TimeoutError:
            text = f"an upgrade to WebSocket was not answered within {DEADLINE_S:g} s"
            return failure("stream", text, _NO_UPGRADE)
        except (OSError, InvalidHandshake) as error:
            text = f"an upgrade to WebSocket failed: {type(error).__name__}: {error}"
            return failure("stream", text, _NO_UPGRADE)
        if right == 403:
            return failure("stream", "the worker takes our signature for wrong", _WRONG_SIGNATURE)
        if right == 503:
            text = "too many sockets wait for a proof, or the proxy reaches no worker (HTTP 503)"
            return failure("stream", text, "see what opens them in the worker's log")
        if right != 101:
            text = f"an upgrade to WebSocket was answered with HTTP {right} instead of 101"
            return failure("stream", text, _NO_UPGRADE)
        if wrong != 403:
            text = f"a wrong signature was answered with HTTP {wrong} instead of 403"
            return failure("stream", text, "have the proxy pass the worker's answers on unchanged")
        return ok("stream", "upgrades pass, and are refused when the signature is wrong")

    async def _upgrade(self, auth_token: str) -> int:
        """The status with which an upgrade is answered: 101 when there is a WebSocket."""
        url = self._address.media
        try:
            async with asyncio.timeout(DEADLINE_S):
                ws = await _Connect(
                    url,
                    additional_headers={SIGNATURE_HEADER: sign(auth_token, url)},
                    ssl=self._context,
                    compression=None,
                    proxy=None,
                    open_timeout=None,
                    close_timeout=1,
                )
        except InvalidStatus as refusal:
            return refusal.response.status_code
        await ws.close()
        return 101


def _unreached(url: str, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"{url} does not answer within {DEADLINE_S:g} s"
    return f"{url} cannot be reached: {error or type(error).__name__}"
