"""PURE: how Twilio signs what it sends, and how we check it.

`X-Twilio-Signature` is base64(HMAC(auth token, URL + parameters)). The URL is the one that Twilio
requested, with its query and without its fragment; the parameters are those of a form body, names
sorted, each name directly followed by its value. A JSON body is covered by `bodySHA256` in the
query instead, and a WebSocket upgrade by its `wss://` URL alone.

Source: https://www.twilio.com/docs/usage/security#validating-requests and the
`request_validator` of twilio-python 9.13, whose handling of `wss://` ports (it tries `:80`),
of user information and of IPv6 hosts is not copied.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

__all__ = [
    "HMAC_SHA1",
    "HMAC_SHA256",
    "SETTINGS_HEADER",
    "SIGNATURE_HEADER",
    "Params",
    "algorithm_of",
    "sign",
    "verify",
    "verify_body",
]

SIGNATURE_HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
HMAC_SHA1 = "HMAC_SHA1"
HMAC_SHA256 = "HMAC_SHA256"

Params = Sequence[tuple[str, str]]
"""A form as it came: names may repeat, values may be empty."""

_DIGESTS = {HMAC_SHA1: hashlib.sha1, HMAC_SHA256: hashlib.sha256}
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_URL = re.compile(r"(?P<scheme>[^:/?#]+)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*\Z")


def sign(secret: str, url: str, params: Params = (), *, algorithm: str = HMAC_SHA1) -> str:
    """Sign a request as Twilio would.

    Args:
        secret: the auth token, or the shared key's secret for HMAC_SHA256.
        url: what is requested; a fragment is left out.
        params: the fields of a form body. Of a repeated name each different value counts once.
        algorithm: `HMAC_SHA1` or `HMAC_SHA256`.

    Raises:
        ValueError: the algorithm is not one of the two.
    """
    if algorithm not in _DIGESTS:
        raise ValueError(f"unknown signature algorithm {algorithm!r}; use {' or '.join(_DIGESTS)}")
    signed = url.partition("#")[0] + "".join(name + value for name, value in sorted(set(params)))
    mac = hmac.new(secret.encode(), signed.encode(errors="surrogatepass"), _DIGESTS[algorithm])
    return base64.b64encode(mac.digest()).decode("ascii")


def verify(
    secrets: Iterable[str],
    url: str,
    params: Params,
    signature: str | None,
    *,
    settings: str | None = None,
) -> bool:
    """Whether one of `secrets` signed this form, or this bodiless request (`params` empty).

    Args:
        secrets: two during a rotation of the auth token; empty ones are skipped.
        url: the public URL that Twilio was given. Twilio signs it with or without its port.
        params: the fields of the form body.
        signature: the value of `SIGNATURE_HEADER`; None when there was none.
        settings: the value of `SETTINGS_HEADER`; None when there was none.
    """
    algorithm = algorithm_of(settings)
    if not signature or algorithm is None:
        return False
    given = signature.encode(errors="surrogatepass")
    return any(
        hmac.compare_digest(sign(secret, spelling, params, algorithm=algorithm).encode(), given)
        for secret in secrets
        if secret
        for spelling in _spellings(url)
    )


def verify_body(
    secrets: Iterable[str],
    url: str,
    body: bytes,
    signature: str | None,
    *,
    settings: str | None = None,
) -> bool:
    """Whether one of `secrets` signed this body that is not a form (JSON).

    The query must hold `bodySHA256`, the body's SHA-256 in hexadecimal: that and the URL's
    signature cover the body together.
    """
    query = url.partition("#")[0].partition("?")[2]
    digests = [value for name, value in parse_qsl(query) if name == "bodySHA256"]
    if len(digests) != 1:
        return False
    whole = hmac.compare_digest(
        hashlib.sha256(body).hexdigest().encode(), digests[0].lower().encode()
    )
    return verify(secrets, url, (), signature, settings=settings) and whole


def algorithm_of(settings: str | None) -> str | None:
    """The algorithm that `key=<id>,algorithm=<name>` names; None for one that we do not know.

    Without the header, or without an algorithm in it, that is HMAC_SHA1 with the auth token.
    """
    for part in (settings or "").split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            algorithm = value.strip().upper()
            return algorithm if algorithm in _DIGESTS else None
    return HMAC_SHA1


def _spellings(url: str) -> list[str]:
    """`url` with and without its port, since Twilio's back end is not consistent about it."""
    match = _URL.match(url)
    if match is None:
        return [url]
    scheme, authority, rest = match["scheme"], match["authority"], match["rest"]
    bare = _PORT.sub("", authority)
    authorities = [authority]
    if bare != authority:
        authorities.append(bare)
    elif (port := _DEFAULT_PORTS.get(scheme.lower())) is not None:
        authorities.append(f"{authority}:{port}")
    return [f"{scheme}://{spelling}{rest}" for spelling in authorities]
