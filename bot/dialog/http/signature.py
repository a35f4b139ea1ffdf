"""PURE: how a request is signed, so that the user's server knows whom it is from, and when.

The signature is `v1=` and, in hexadecimal, the HMAC-SHA256 of the timestamp, a full stop and the
body. A server refuses a timestamp that is minutes old: somebody may send again what was overheard.
"""

from __future__ import annotations

import hmac

__all__ = ["SIGNATURE_HEADER", "TIMESTAMP_HEADER", "sign"]

TIMESTAMP_HEADER = "parley-timestamp"
SIGNATURE_HEADER = "parley-signature"


def sign(secret: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that sign a body, sent at that time since the epoch."""
    signed = b"%d.%b" % (timestamp_s, body)
    digest = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    return {TIMESTAMP_HEADER: str(timestamp_s), SIGNATURE_HEADER: f"v1={digest}"}
