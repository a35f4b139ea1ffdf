"""Letting streams in: a signed upgrade, then soon a `start` with a token of ours.

Nothing in Twilio's signature of an upgrade is bound to a time or a call, and whoever can open a
socket could hold it. So few sockets without a proof are held, each for a few seconds, and no
provider is opened before the proof. What is turned away goes to `/twilio/next`, which hangs up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.metrics import Metrics
from bot.record import Record
from bot.store import Store, StoreUnavailable, Superseded, Taken
from media.messages import Connected, MediaStreamError, Start
from media.twilio import parse

from .address import Address
from .facts import refusal_key
from .memory import SharedMemory
from .signature import SETTINGS_HEADER, SIGNATURE_HEADER, verify
from .token import TTL_S, TokenClaims, TokenError, derive_key
from .token import verify as verify_token
from .twiml import TOKEN_PARAMETER

__all__ = ["Admission", "Admitted"]

log = structlog.get_logger(__name__)

MAX_UNPROVEN = 64
PROOF_DEADLINE_S = 5.0
REFUSAL_TTL_S = 10  # Twilio asks `next` at once
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


@dataclass(frozen=True, slots=True)
class Admitted:
    """A stream that was let in.

    Attributes:
        record: the call's, now owned by the claims' generation; None when there is none, or when
            Redis is away.
        silent_ms: as in `bot.store.Taken`: how long ago the worker that had the call's stream
            before was last known to be alive; None when there was none, or it put the call down.
    """

    start: Start
    claims: TokenClaims
    record: Record | None
    silent_ms: int | None = None


class Admission:
    """Decides which streams a worker lets in.

    Args:
        address: whose stream URL the upgrades must be signed for.
        auth_tokens: Twilio's auth token, and a second one during a rotation.
        store: where the stream's generation takes the call.
        memory: where used tokens and refused streams are remembered.
        worker: this process's name in the store.
        metrics: where refusals are counted.
        latest: number of the latest stream that this worker has had of a call; None if it does not
            keep the call's record itself.
        max_unproven: how many sockets may be open at once that have not shown a token.
        deadline_s: within which an accepted socket must show it.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        address: Address,
        auth_tokens: Sequence[str],
        store: Store,
        memory: SharedMemory,
        *,
        worker: str,
        metrics: Metrics,
        latest: Callable[[str], int | None],
        max_unproven: int = MAX_UNPROVEN,
        deadline_s: float = PROOF_DEADLINE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = address
        self._auth_tokens = auth_tokens
        self._keys = [derive_key(token) for token in auth_tokens if token]
        self._store = store
        self._memory = memory
        self._worker = worker
        self._metrics = metrics
        self._latest = latest
        self._max_unproven = max_unproven
        self._deadline_s = deadline_s
        self._clock = clock
        # Sockets whose `start` is awaited, oldest first.
        self._waiting: dict[asyncio.Timeout, None] = {}

    @property
    def unproven(self) -> int:
        """How many sockets are open that have not said whose they are."""
        return len(self._waiting)

    async def admit(self, websocket: WebSocket) -> Admitted | None:
        """Take a socket through the whole of admission.

        Gives the stream of an accepted socket whose `start` has been read, or None when it was
        turned away: with 403 before the upgrade, or 1008 after it.
        """
        if not self.check_upgrade(websocket.headers):
            await self._deny(websocket, 403, "signature")
            return None
        try:
            return await self._admit_signed(websocket)
        except WebSocketDisconnect:
            self._count("disconnected")
            return None

    def check_upgrade(self, headers: Mapping[str, str]) -> bool:
        """Whether Twilio signed the upgrade. `headers` are looked up without regard to case."""
        return verify(
            self._auth_tokens,
            self._address.media,
            (),
            headers.get(SIGNATURE_HEADER),
            settings=headers.get(SETTINGS_HEADER),
        )

    async def prove(self, start: Start) -> Admitted:
        """Check the token of a `start`, and take the call for its generation.

        Raises:
            TokenError: the stream is not let in. What is genuinely the call's own stream then
                comes back as `next`, which hangs up.
            StoreUnavailable: the call goes on, and what was said in it so far is not here. It comes
                back as `next`, which waits for Redis.
        """
        try:
            claims = verify_token(
                self._keys, start.parameters.get(TOKEN_PARAMETER, ""), self._clock()
            )
            if (claims.call_sid, claims.account_sid) != (start.call_sid, start.account_sid):
                raise TokenError("foreign")
            # Until it has expired, here or by the clock of a worker that is late.
            used_s = max(TTL_S, claims.expires_s - int(self._clock()))
            if not await self._memory.once(f"token:{claims.call_sid}:{claims.nonce}", used_s):
                raise TokenError("used")
            taken = await self._take(claims)
            return Admitted(start, claims, taken.record, taken.silent_ms)
        except TokenError as error:
            # Superseded: a newer stream of the call was let in, which must not suffer for it.
            if error.reason != "superseded" and not await self._is_held(start.call_sid):
                await self._memory.remember(refusal_key(start.call_sid), "", REFUSAL_TTL_S)
            raise

    async def _take(self, claims: TokenClaims) -> Taken:
        try:
            return await self._store.take(claims.call_sid, self._worker, claims.generation)
        except Superseded:
            raise TokenError("superseded") from None
        except StoreUnavailable:
            if (self._latest(claims.call_sid) or 0) != claims.generation - 1:
                # What is kept here is not all there is: perhaps another worker had it since. As a
                # new call it would be greeted again, and its record be written over.
                raise
            return Taken(None, None)

    async def _is_held(self, sid: str) -> bool:
        """Whether a call has a stream already: Twilio opens no second one.

        Whoever asks for it then is somebody else, who must not bring the call to its end.
        """
        if self._memory.away:
            return False
        try:
            return await self._store.leases.holder(sid) is not None
        except StoreUnavailable:
            self._memory.set_away()
            return False

    async def _admit_signed(self, websocket: WebSocket) -> Admitted | None:
        call_sid, due_s = None, asyncio.get_running_loop().time() + self._deadline_s
        try:
            async with asyncio.timeout(self._deadline_s) as deadline:
                self._make_room()
                self._waiting[deadline] = None
                try:
                    await websocket.accept()
                    start = await _read_start(websocket)
                finally:
                    self._waiting.pop(deadline, None)
                call_sid = start.call_sid
                return await self.prove(start)
        except TokenError as error:
            reason = f"token {error.reason}"
        except StoreUnavailable:
            reason = "store away"
        except MediaStreamError:
            reason = "no start"
        except TimeoutError:
            late = asyncio.get_running_loop().time() >= due_s
            reason = "no start in time" if late else "crowded out"
        self._count(reason)
        log.warning("stream refused", call_sid=call_sid, reason=reason)
        await websocket.close(POLICY_VIOLATION)
        return None

    def _make_room(self) -> None:
        """Give up the socket that has been silent for longest if as many wait as may.

        Twilio says `start` at once. Whoever has caught one of its signatures can open sockets too,
        and says nothing: were new ones refused, a few dozen of those would keep everybody out.
        """
        if len(self._waiting) >= self._max_unproven:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())

    async def _deny(self, websocket: WebSocket, status: int, reason: str) -> None:
        self._count(reason)
        # 403 for a wrong PARLEY_PUBLIC_URL is the usual case: say what was expected.
        log.warning("upgrade refused", reason=reason, expected_for=self._address.media)
        await websocket.send_denial_response(PlainTextResponse(reason, status))

    def _count(self, reason: str) -> None:
        self._metrics.calls_refused.labels(f"stream: {reason}").inc()


async def _read_start(websocket: WebSocket) -> Start:
    """The `start` of a stream: its first message, but for one `connected`."""
    event = parse(await _receive_text(websocket))
    if isinstance(event, Connected):
        event = parse(await _receive_text(websocket))
    if not isinstance(event, Start):
        raise MediaStreamError(31951, "the stream does not begin with 'connected' and 'start'")
    return event


async def _receive_text(websocket: WebSocket) -> str:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    text = message.get("text")
    if not isinstance(text, str):
        raise MediaStreamError(31950, "the frame is binary")
    return text
