"""PURE: how campaigns, contacts and attempts are written in Redis.

A contact is one string: ten fields for the scripts, with `|` between, then a line feed and, in
JSON, what scripts do not ask for. A million contacts in one hash each would take twice the room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson
from pydantic import ValidationError

from .spec import CampaignSpec
from .types import Attempt, Campaign, Contact, ContactState, NewContact, Plan

__all__ = [
    "UNREADABLE",
    "flattened",
    "gap_ms",
    "pack",
    "read_attempt",
    "read_campaign",
    "read_contact",
]

_STATES: dict[str, ContactState] = {"w": "waiting", "l": "live", "d": "done"}
_NUMBERS = frozenset(
    {
        "ordinal",
        "token",
        "claimed_ms",
        "lease_until_ms",
        "until_ms",
        "placed_ms",
        "answered_ms",
        "ended_ms",
        "closed_ms",
        "settled_ms",
        "empties",
        "duration_s",
        "minutes",
    }
)
_OTHERS = frozenset(
    {
        "id",
        "campaign",
        "number",
        "from_number",
        "state",
        "sid",
        "status",
        "answered_by",
        "talked",
        "outcome",
        "reason",
    }
)


def gap_ms(per_second: float | None) -> float | None:
    """The time between two calls, in ms; never shorter than the rate allows."""
    return None if per_second is None else math.ceil(1_000_000 / per_second) / 1000


def flattened(spec: CampaignSpec) -> dict[str, str | int | float]:
    """What scripts ask of a campaign, as fields of its hash; what is None is not there."""
    fields: dict[str, str | int | float | None] = {
        "gap": gap_ms(spec.calls_per_second),
        "max": spec.max_concurrent,
        "starts": None if spec.starts_at is None else int(spec.starts_at.timestamp() * 1000),
        "ends": None if spec.ends_at is None else int(spec.ends_at.timestamp() * 1000),
        "breaker": spec.breaker,
        "from": " ".join(spec.from_numbers),
        "local": int(spec.caller_id == "local"),
        "hook": int(spec.webhook_url is not None),
    }
    return {name: value for name, value in fields.items() if value is not None}


UNREADABLE = "its rules are not of this version of Parley"
_NO_SPEC = CampaignSpec(name="(unreadable)", from_numbers=("+15550000000",))


@lru_cache(maxsize=64)
def _spec(text: bytes) -> CampaignSpec:
    # Nothing is left out of rules: what is not known may say when nobody is to be called.
    try:
        return CampaignSpec.model_validate_json(text)
    except ValidationError:
        return _NO_SPEC


def read_campaign(campaign: str, fields: Mapping[bytes, bytes]) -> Campaign:
    """A campaign from its hash."""
    spec = _spec(fields[b"spec"])
    unreadable = spec is _NO_SPEC

    def time_ms(name: bytes) -> int | None:
        return int(fields[name]) if name in fields else None

    return Campaign(
        id=campaign,
        spec=spec,
        state=fields[b"state"].decode(),  # type: ignore[arg-type]
        reason=UNREADABLE if unreadable else fields[b"reason"].decode(),
        created_ms=int(fields[b"created"]),
        started_ms=time_ms(b"started"),
        ended_ms=time_ms(b"ended"),
        by_owner=fields.get(b"by_owner") == b"1",
        accepted_loss=fields.get(b"loss") == b"1",
        unreadable=unreadable,
    )


def pack(contact: NewContact, plan: Plan) -> bytes:
    """A contact that waits for its first call."""
    rest = orjson.dumps([contact.zones, contact.name, contact.language, contact.variables])
    return f"w|0|0|||||{plan.due_ms}|{plan.until_ms}|{plan.day}\n".encode() + rest


def read_contact(number: str, packed: bytes) -> Contact:
    """What `pack` wrote and scripts have changed."""
    head, _, rest = packed.partition(b"\n")
    state, attempts, today, day, attempt, outcome, retries, due, until, plan_day = (
        head.decode().split("|")
    )
    zones, name, language, variables = orjson.loads(rest)
    return Contact(
        number=number,
        zones=tuple(zones),
        name=name,
        language=language,
        variables=variables,
        state=_STATES[state],
        attempts=int(attempts),
        today=int(today),
        day=day,
        retries=_retries(retries),
        plan=Plan(int(due), int(until), plan_day) if due else None,
        attempt=attempt,
        outcome=outcome or None,  # type: ignore[arg-type]
    )


def _retries(text: str) -> dict[str, int]:
    pairs = (item.split("=") for item in text.split(",") if item)
    return {outcome: int(times) for outcome, times in pairs}


def read_attempt(fields_kept: Iterable[tuple[str, str]]) -> Attempt:
    """An attempt from the fields of its hash, and its `id`."""
    fields: dict[str, Any] = {}
    for name, value in fields_kept:
        if name in _NUMBERS:
            fields[name] = int(value)
        elif name in _OTHERS:
            fields[name] = value
        elif name in {"unwanted", "undialled"}:
            fields[name] = value == "1"
        elif name == "usd":
            fields[name] = float(value)
    return Attempt(**fields)
