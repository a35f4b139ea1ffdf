"""How the API refuses: an HTTP status, and JSON with a code of Twilio's own.

Codes and their texts: https://www.twilio.com/docs/api/errors. Those of 20003, 20404, 20429 and
21220 are as seen in real answers; the others are from memory of that catalogue.
"""

from __future__ import annotations

__all__ = ["Problem", "busy", "denied", "invalid", "not_found", "not_in_progress"]


class Problem(Exception):
    """A refusal. `body` is what Twilio sends with it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


def denied() -> Problem:
    """The credentials are missing or wrong."""
    return Problem(401, 20003, "Authenticate")


def not_found(path: str) -> Problem:
    """There is no such resource."""
    return Problem(404, 20404, f"The requested resource {path} was not found")


def busy() -> Problem:
    """Too many requests at once; not processed."""
    return Problem(429, 20429, "Too Many Requests")


def not_in_progress(what: str = "Call is not in-progress. Cannot redirect.") -> Problem:
    """The call's state does not allow that."""
    return Problem(400, 21220, what)


def invalid(fault: str, code: int = 20001) -> Problem:
    """A parameter is not what it may be."""
    return Problem(400, code, fault)
