"""PURE: how keys and tokens are written, known and kept.

Only a digest of them is kept: SHA-256, without salt and not made slow. Both are for secrets that
people think up, and that can be guessed. These are 256 random bits, and for anything from 112 bits
on NIST asks for no more than a one-way function (SP 800-63B, 5.1.2.2, of look-up secrets;
https://pages.nist.gov/800-63-3/sp800-63b.html).
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

__all__ = ["ID", "digest_of", "id_in", "is_id", "is_key", "is_token", "matches", "written_key",
           "written_token"]  # fmt: skip

ID = r"[0-9a-f]{12}"
"""What the public part of a key looks like."""
SECRET_BYTES = 32

_SECRET = r"[A-Za-z0-9_-]{43}"
_KEY = re.compile(f"pk_({ID})_{_SECRET}")
_TOKEN = re.compile(f"pt_{_SECRET}")


def written_key(key_id: str, secret: bytes) -> str:
    """The key of an id, and `SECRET_BYTES` of chance."""
    return f"pk_{key_id}_{_written(secret)}"


def written_token(secret: bytes) -> str:
    """A token of `SECRET_BYTES` of chance."""
    return f"pt_{_written(secret)}"


def is_id(text: str) -> bool:
    """Whether it has the form of a key's id."""
    return re.fullmatch(ID, text) is not None


def id_in(text: str) -> str | None:
    """The id in what has the form of a key; None for all else."""
    found = _KEY.fullmatch(text)
    return found[1] if found is not None else None


def is_key(text: str) -> bool:
    """Whether it has the form of a key."""
    return _KEY.fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether it has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(text: str) -> str:
    """What is kept of a key or token."""
    return sha256(text.encode()).hexdigest()


def matches(text: str, digest: str) -> bool:
    """Whether that is kept of it; it takes as long whether or not."""
    return hmac.compare_digest(digest_of(text), digest)


def _written(secret: bytes) -> str:
    # Safe in headers, subprotocols (RFC 9110 tokens) and shells.
    return urlsafe_b64encode(secret).rstrip(b"=").decode()
