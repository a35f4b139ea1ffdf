"""PURE: the token that a stream shows to be let in.

A captured upgrade could be replayed, since nothing in Twilio's signature of it is bound to a time
or a call. So every `<Stream>` carries a `<Parameter name="token">` that we made: an HMAC-SHA256
over the call, its account, the stream's generation, an expiry and a nonce. It is verified with the
auth token alone, so a worker without Redis can still let callers in; that it is used once only is
for `bot.telephony.admission` to watch.

Its text is `1.CallSid.AccountSid.generation.expiry.nonce.mac`: URL-safe, under 300 characters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["TTL_S", "TokenClaims", "TokenError", "TokenReason", "derive_key", "mint", "verify"]

TTL_S = 60
"""How long a token is good for, in seconds, when Twilio opens the stream right after our answer."""

TokenReason = Literal["malformed", "forged", "expired", "foreign", "superseded", "used"]

_VERSION = "1"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TOKEN = re.compile(
    rf"(?P<signed>{_VERSION}\.(?P<call>[A-Za-z0-9_-]{{1,64}})\.(?P<account>[A-Za-z0-9_-]{{1,64}})"
    r"\.(?P<generation>[0-9]{1,9})\.(?P<expires>[0-9]{1,12})\.(?P<nonce>[A-Za-z0-9_-]{1,64}))"
    r"\.(?P<mac>[A-Za-z0-9_-]{43})",
    re.ASCII,
)


class TokenError(Exception):
    """A stream's token does not let it in.

    Attributes:
        reason: `malformed` (not a token of ours, or none), `forged` (no auth token of ours made
            it), `expired`, `foreign` (made for another call or account), `superseded` (a
            newer stream of the call has been let in) or `used`.
    """

    def __init__(self, reason: TokenReason) -> None:
        super().__init__(f"the stream's token is {reason}")
        self.reason: TokenReason = reason


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a verified token says. `expires_s` is in seconds since the epoch."""

    call_sid: str
    account_sid: str
    generation: int
    expires_s: int
    nonce: str


def derive_key(auth_token: str) -> bytes:
    """The 32-byte key of the tokens: not the auth token itself, which signs other things."""
    return hmac.digest(auth_token.encode(), b"parley stream token", "sha256")


def mint(
    key: bytes,
    call_sid: str,
    account_sid: str,
    generation: int,
    now_s: float,
    nonce: str,
    *,
    ttl_s: int = TTL_S,
) -> str:
    """A token for the stream of `generation` of a call, good for `ttl_s` seconds from `now_s`.

    `nonce` makes it unlike every other: at least 96 random bits, as URL-safe text.

    Raises:
        ValueError: a SID or the nonce is empty, longer than 64 characters or not URL-safe.
    """
    for name, value in (("CallSid", call_sid), ("AccountSid", account_sid), ("nonce", nonce)):
        if not _NAME.fullmatch(value):
            raise ValueError(f"{name} {value!r:.80} is not 1 to 64 of A-Z a-z 0-9 - _")
    if not 0 < generation < 1_000_000_000:
        raise ValueError(f"generation {generation} is not between 1 and 999999999")
    expires_s = int(now_s) + ttl_s
    signed = f"{_VERSION}.{call_sid}.{account_sid}.{generation}.{expires_s}.{nonce}"
    return f"{signed}.{_mac(key, signed)}"


def verify(keys: Iterable[bytes], token: str, now_s: float) -> TokenClaims:
    """What `token` says, if one of `keys` made it and it has not expired at `now_s`.

    Raises:
        TokenError: `malformed`, `forged` or `expired`.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise TokenError("malformed")
    if not any(hmac.compare_digest(_mac(key, match["signed"]), match["mac"]) for key in keys):
        raise TokenError("forged")
    expires_s = int(match["expires"])
    if now_s >= expires_s:
        raise TokenError("expired")
    return TokenClaims(
        match["call"], match["account"], int(match["generation"]), expires_s, match["nonce"]
    )


def _mac(key: bytes, signed: str) -> str:
    digest = hmac.digest(key, signed.encode("ascii"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
