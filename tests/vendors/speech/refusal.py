"""What a stand-in refuses, before its vendor's way of saying so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

__all__ = ["Answer", "Json", "Refusal"]

Json = dict[str, Any]


class Refusal(Exception):
    """An error that a client is to be told; a stand-in's `refusal_answer` words it for HTTP.

    Attributes:
        code: as an HTTP status; 402 is a quota that is used up, whatever the vendor makes of that.
        error_type: the vendor's name for it; None is what the vendor calls this `code`.
        retry_after_s: how long to wait, where the vendor says that.
    """

    def __init__(
        self,
        code: int,
        error_type: str | None,
        message: str,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.error_type = error_type
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer in one piece."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        return cls(status, orjson.dumps(body), headers=headers or {})
