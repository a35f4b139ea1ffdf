"""PURE: connection overrides: what a webhook's fragment says of time-outs and of asking again.

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides. A connection that
breaks before the answer is none of its failures by name; it counts here as a read time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from .twiml import TwimlError

__all__ = ["Failure", "Overrides"]

INVALID_POLICY = 11243
MAX_RETRIES = 5
READ_MS = TOTAL_MS = 15_000
RETRIES = 1
_LIMITS_MS = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000)}

Failure = Literal["ct", "rt", "4xx", "5xx"]
"""What a request may fail of: connecting, reading, or an answer that is an error."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """How one webhook is asked.

    Attributes:
        read_ms: how long one attempt waits for its answer.
        total_ms: how long all attempts take together.
        retries: how often it is asked again.
        policy: after which failures; `all` is any.
    """

    read_ms: int = READ_MS
    total_ms: int = TOTAL_MS
    retries: int = RETRIES
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Overrides:
        """What the fragment of `url` says; Twilio's defaults for the rest.

        Raises:
            TwimlError: 11243 for a policy that there is not.
        """
        given = dict(parse_qsl(url.partition("#")[2]))
        policy = frozenset(given.get("rp", "ct").split(","))
        if not policy <= {"ct", "rt", "4xx", "5xx", "all"}:
            raise TwimlError(INVALID_POLICY, f"the retry policy {given['rp'][:80]!r} is none")
        retries = given.get("rc", "1")
        return cls(
            _within("rt", given, READ_MS),
            _within("tt", given, TOTAL_MS),
            min(int(retries), MAX_RETRIES) if retries.isdecimal() else RETRIES,
            policy,
        )

    def retry_after(self, failure: Failure) -> bool:
        """Whether it is asked again after such a failure."""
        return not self.policy.isdisjoint({failure, "all"})


def _within(name: str, given: dict[str, str], default: int) -> int:
    """A time, brought within its limits. What is no number is Twilio's default: assumed."""
    least, most = _LIMITS_MS[name]
    text = given.get(name, "")
    return min(max(int(text), least), most) if text.isdecimal() else default
