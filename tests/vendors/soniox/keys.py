"""Who a client is: the key that it shows, in one of three places."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from tests.vendors.speech.record import Key

from .refusal import invalid, unknown_key

__all__ = ["KEY_PROTOCOL", "Keys"]

KEY_PROTOCOL = "soniox-api-key"
"""What browsers, which can set no header, offer as a subprotocol beside the key itself."""


class Keys:
    """The one key that is right.

    Args:
        api_key: it.
        in_config: whether it may be in a config message, as it may until 15 January 2027.
    """

    def __init__(self, api_key: str, *, in_config: bool) -> None:
        self._api_key = api_key
        self._in_config = in_config

    def shown(self, headers: Mapping[str, str]) -> Key:
        """What a handshake shows."""
        offered = headers.get("sec-websocket-protocol", "").split(",")
        protocols = [protocol.strip() for protocol in offered]
        if KEY_PROTOCOL in protocols:
            keys = [protocol for protocol in protocols if protocol != KEY_PROTOCOL]
            return "right" if len(keys) == 1 and self._is_right(keys[0]) else "wrong"
        authorization = headers.get("authorization")
        if authorization is None:
            return "missing"
        scheme, _, key = authorization.partition(" ")
        return "right" if scheme.lower() == "bearer" and self._is_right(key) else "wrong"

    def refuses(self, shown: Key) -> bool:
        """Whether the handshake alone is enough to be sure that nothing good follows."""
        return shown == "wrong" or (shown == "missing" and not self._in_config)

    def check(self, shown: Key, config_key: str | None) -> None:
        """Judge a config message, of which `config_key` is the key.

        Raises:
            Refusal: there is a key too many, too few, or a wrong one.
        """
        if config_key is None:
            if shown != "right":
                raise unknown_key()
        elif shown != "missing":
            raise invalid("api_key was sent in the handshake and in the start request")
        elif not self._in_config or not self._is_right(config_key):
            raise unknown_key()

    def _is_right(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(), self._api_key.encode())
