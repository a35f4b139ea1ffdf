"""Where clients put their key or token, and where they must not."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from bot.api.keys.secret import is_key, is_token

from .faults import Fault
from .parameters import KEY_NAMES

__all__ = ["AUTH_PREFIX", "PROTOCOL", "WAYS", "credential_in"]

PROTOCOL = "parley.stt.v1"
"""The WebSocket subprotocol that the service speaks."""
AUTH_PREFIX = "parley.auth."
"""What a subprotocol begins with that has a key: scripts in browsers can set no headers."""
WAYS = [
    "Authorization: Bearer <key>",
    "X-API-Key: <key>",
    f"Sec-WebSocket-Protocol: {PROTOCOL}, {AUTH_PREFIX}<key>",
]


def credential_in(connection: HTTPConnection) -> str | None:
    """The key or token that a client sent; None if it sent none.

    Raises:
        Fault: key_in_url; bad_config, the subprotocol that could be answered is not offered.
    """
    for name, value in connection.query_params.multi_items():
        named = name.lower().replace("-", "_") in KEY_NAMES
        if named or is_key(value) or is_token(value):
            raise Fault(
                "key_in_url",
                "a key or token in an address is kept by logs: have another one made, and send it"
                " in a header",
                allowed=WAYS,
            )
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()
    if (key := connection.headers.get("x-api-key")) is not None:
        return key.strip()
    return _in_subprotocols(connection.scope.get("subprotocols", []))


def _in_subprotocols(offered: list[str]) -> str | None:
    for protocol in offered:
        if protocol.startswith(AUTH_PREFIX):
            if PROTOCOL not in offered:
                # A browser gives a connection up of which none of its subprotocols is answered,
                # and the one with the key must not be.
                raise Fault("bad_config", f"offer the subprotocol {PROTOCOL} too", allowed=WAYS)
            return protocol.removeprefix(AUTH_PREFIX)
    return None
