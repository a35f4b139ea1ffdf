"""Requests of Twilio's, answered once: whatever is delivered again gets the same answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

import structlog
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.dialog.types import Ended
from bot.metrics import Metrics
from bot.settings import Settings

from .address import Address
from .answers import Answer
from .memory import SharedMemory
from .requests import Form, read_form
from .token import TTL_S

__all__ = ["Deliveries"]

log = structlog.get_logger(__name__)

IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
_IDEMPOTENCY_TOKEN = re.compile(r"[\x21-\x7e]{1,128}")
# An answer holds a token: given again later than that it would only be refused.
ANSWER_TTL_S = TTL_S


class Deliveries:
    """Reads signed requests and answers them.

    Args:
        settings: the public address and the auth tokens.
        memory: where answers given are remembered.
        end: told the SID of a call that ends with an answer, and how.
        metrics: where refusals are counted.
    """

    def __init__(
        self,
        settings: Settings,
        memory: SharedMemory,
        end: Callable[[str, Ended], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._address = Address(settings.public_url)
        self._auth_tokens = settings.auth_tokens
        self._memory = memory
        self._end = end
        self._metrics = metrics

    async def read(self, request: Request) -> Form:
        """The form of a request that Twilio has signed.

        Raises:
            HTTPException: as `read_form`; it has been counted.
        """
        try:
            return await read_form(request, self._address, self._auth_tokens)
        except HTTPException as refusal:
            self._metrics.calls_refused.labels(f"webhook: {refusal.status_code}").inc()
            log.warning(
                "webhook refused", path=request.url.path, status=refusal.status_code,
                reason=refusal.detail,
            )  # fmt: skip
            raise

    async def answer(
        self, request: Request, answer: Callable[[Form, str], Awaitable[Answer]]
    ) -> Response:
        """Answer a signed request; the same answer when it is delivered again, here or elsewhere.

        `answer` is given the form and a name of the delivery, which is the same for each of its
        repetitions: two workers may have to answer one at the same time, or one that died.
        """
        form = await self.read(request)
        delivery = _delivery(request)
        if delivery is None:
            return self.respond(await answer(form, secrets.token_urlsafe(12)), form)
        key = f"webhook:{form.get('CallSid')}:{delivery}"
        if (document := await self._memory.recall(key)) is not None:
            return self.respond(Answer(document), form)
        new = await answer(form, delivery)
        document = await self._memory.remember(key, new.document, ANSWER_TTL_S)
        return self.respond(Answer(document, new.ended), form)

    async def is_first(self, request: Request, form: Form) -> bool:
        """Whether a request that was read comes for the first time, as far as can be known."""
        delivery = _delivery(request)
        if delivery is None:
            return True
        return await self._memory.once(f"webhook:{form.get('CallSid')}:{delivery}", ANSWER_TTL_S)

    def respond(self, answer: Answer, form: Form, then: BackgroundTask | None = None) -> Response:
        """The response; the call that ends with it is ended afterwards, and `then` is done."""
        # The dialog's on_end may take its time: Twilio has its answer first.
        tasks = BackgroundTasks()
        if answer.ended is not None:
            tasks.add_task(self._end, form.get("CallSid"), answer.ended)
        if then is not None:
            tasks.tasks.append(then)
        return Response(answer.document, media_type="text/xml", background=tasks)


def _delivery(request: Request) -> str | None:
    """What names a request, and each of its repetitions; None when Twilio does not."""
    given = request.headers.get(IDEMPOTENCY_HEADER, "")
    if not _IDEMPOTENCY_TOKEN.fullmatch(given):
        return None
    return f"{given}:{request.url.path}?{request.url.query}"
