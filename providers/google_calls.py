"""How Google Cloud is called: the channel, what proves the account, and what errors mean."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import orjson
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user
from google.oauth2 import service_account
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

from .errors import AuthenticationError, InvalidResponseError, NetworkError, ProviderError
from .google import GLOBAL, GoogleAccount, failure
from .headers import check_headers

__all__ = ["Metadata", "failed", "metadata_of", "open_channel"]

Metadata: TypeAlias = Sequence[tuple[str, str]]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
OPTIONS = (
    # A connection that breaks is no reason for the next one to wait.
    ("grpc.use_local_subchannel_pool", 1),
    # Google's client for Bigtable asks as often. Who is there and does not take what is sent is
    # given up as soon as a host that is gone.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", 64 << 20),
)
_LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
_OF_NETWORK = re.compile(
    "failed to connect|stream removed|socket closed|connection|resol(?:ution|ver) failed"
    "|ping timeout|transport closed|handshak|error from core",
    re.IGNORECASE,
)
"""What gRPC says itself when a connection is lost or cannot be had; the status alone may be the
vendor's as well."""
# For debugging, Google's clients would log messages, which hold words.
logging.getLogger("google").setLevel(logging.INFO)
# An answer that cannot be read is an error of ours; its log would show a traceback beside it.
logging.getLogger("grpc._common").setLevel(logging.CRITICAL)

TOKEN_S = 2.0
"""So long Google may be about to connect, and between parts of its answer."""
_ASKING = ThreadPoolExecutor(1, "google-tokens")
"""It asks for tokens, for one at a time. A wait that is given up leaves its thread behind: of the
loop's own, which also look names up, there would soon be none left."""


def open_channel(account: GoogleAccount, service: str, location: str = GLOBAL) -> grpc.aio.Channel:
    """A channel of its own to a service, such as `speech`; it connects when it is used."""
    host = account.host(service, location)
    if account.is_plain:
        return grpc.aio.insecure_channel(host, options=OPTIONS)
    return grpc.aio.secure_channel(host, grpc.ssl_channel_credentials(), options=OPTIONS)


async def metadata_of(provider: str, account: GoogleAccount) -> Metadata:
    """What proves the account, to go with a call.

    Raises:
        AuthenticationError: the key or the file cannot be used, or Google does not take it.
        NetworkError: Google, who has to be asked about some accounts, cannot be reached.
    """
    if account.application_credentials is None:
        headers = {"x-goog-api-key": account.api_key}
    else:
        headers = await asyncio.get_running_loop().run_in_executor(
            _ASKING, _headers, provider, account.application_credentials
        )
    check_headers(provider, headers)
    return tuple(headers.items())


def failed(provider: str, error: GoogleAPICallError) -> ProviderError:
    """The error that a call of an official client has ended with."""
    call = error.response
    if not isinstance(call, grpc.aio.AioRpcError):
        return InvalidResponseError(provider, "an answer that cannot be read")
    details = call.details() or ""
    if "deserializing" in details:
        return InvalidResponseError(provider, "an answer that cannot be read", retryable=True)
    if call.code() in _LOST and _OF_NETWORK.search(details):
        return NetworkError(provider, f"the connection failed: {details[:100]}")
    reason, retry_after_s = _explained(call)
    return failure(provider, call.code().name, details, reason=reason, retry_after_s=retry_after_s)


def _explained(call: grpc.aio.AioRpcError) -> tuple[str, float | None]:
    """The reason, and how long to wait, if the status has them."""
    reason, retry_after_s = "", None
    try:
        status = rpc_status.from_call(call)
    except ValueError:  # it contradicts the call's own
        status = None
    for detail in status.details if status is not None else ():
        if detail.Is(ErrorInfo.DESCRIPTOR):
            info = ErrorInfo()
            detail.Unpack(info)
            reason = info.reason
        elif detail.Is(RetryInfo.DESCRIPTOR):
            retry = RetryInfo()
            detail.Unpack(retry)
            retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
    return reason, retry_after_s


def _headers(provider: str, path: str) -> dict[str, str]:
    """What an account's file leads to; Google is asked where the file alone does not do."""
    headers: dict[str, str] = {}
    try:
        credentials = _credentials(path, Path(path).stat().st_mtime_ns)
        # Not `before_request`, which asks Google for more than is needed, in a thread of its own.
        if not credentials.valid:
            credentials.refresh(functools.partial(Request(), timeout=TOKEN_S))
        credentials.apply(headers)
    except TransportError:
        raise NetworkError(provider, "Google, who gives tokens, cannot be reached") from None
    except (GoogleAuthError, ValueError, KeyError, AttributeError, OSError) as error:
        if getattr(error, "retryable", False):
            raise NetworkError(provider, "Google gives no token now") from None
        # What it says may hold parts of the file.
        raise AuthenticationError(
            provider,
            f"the account's file cannot be used: {type(error).__name__}",
            hint="see that GOOGLE_APPLICATION_CREDENTIALS names the file of a service account",
        ) from None
    return headers


@functools.lru_cache(maxsize=8)
def _credentials(path: str, _changed_ns: int) -> Credentials:
    """They renew their token by themselves, so they are kept until their file has changed."""
    told: Any = orjson.loads(Path(path).read_bytes())
    found: Credentials
    if told.get("type") == "authorized_user":
        found = user.Credentials.from_authorized_user_info(told, [SCOPE])
    else:
        account = service_account.Credentials.from_service_account_info(told, scopes=[SCOPE])
        # It signs its tokens itself: nobody has to be asked.
        found = account.with_always_use_jwt_access(True)
    return found
