"""A campaign as its owner wrote it, made into a `CampaignSpec`, or told what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from bot.sources import Given, Problem

from .spec import CampaignSpec

__all__ = ["SpecError", "named", "read_spec"]

# The faults whose bounds not every description has.
_BOUNDS = ("greater_than", "less_than", "too_", "string_too_", "int_", "float_")


class SpecError(Exception):
    """A campaign is written wrongly. `problems` holds each; the text has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def named(values: Mapping[str, Any], place: str = "") -> dict[str, Given]:
    """What stands in a file, or in a request, under the name that each value has there."""
    return {key: Given(place + key, value) for key, value in values.items()}


def read_spec(given: Mapping[str, Given], called: Callable[[str], str] = str) -> CampaignSpec:
    """The campaign that was written, by field.

    Args:
        called: the name under which a field that is not given could be.

    Raises:
        SpecError: what is wrong, a line for each field.
    """
    try:
        return CampaignSpec.model_validate({key: item.value for key, item in given.items()})
    except ValidationError as error:
        problems: dict[str, Problem] = {}
        for fault in error.errors(include_url=False):
            path = list(map(str, fault["loc"]))
            if path and path[0] not in given:
                field = CampaignSpec.model_fields[path[0]]
                wanted = f"it may hold {field.description}"
                problem = Problem(called(path[0]), "is missing", wanted)
            else:
                problem = _problem(given, path, fault["type"], fault["msg"])
            # A list of which one part is wrong may also be called too short.
            problems.setdefault(problem.name, problem)
        raise SpecError(list(problems.values())) from None


def _problem(given: Mapping[str, Given], path: list[str], kind: str, message: str) -> Problem:
    own = message.removeprefix("Value error, ")
    if not path:
        return Problem("the campaign", own)
    key, *inner = path
    name, held = given[key].name, given[key].value
    if kind == "extra_forbidden" and not inner:
        near = difflib.get_close_matches(key, CampaignSpec.model_fields, n=1)
        remedy = f"did you mean {near[0]}?" if near else "remove it, or look for its right name"
        return Problem(name, "there is no such field", remedy)
    wanted = f"it may hold {CampaignSpec.model_fields[key].description}"
    if kind == "value_error" and own:
        wanted = own
    elif kind == "tuple_type":
        wanted += ", in a list"
    elif kind.startswith(_BOUNDS):
        wanted += f" ({_lower(own)})"
    if key == "retry" and inner:
        name = ".".join([name, *(part for part in inner if part != "[key]")])
        if kind == "extra_forbidden":
            return Problem(name, "there is no such field", "it may be after_s or times")
        if kind in {"model_type", "dict_type"}:
            own = "write { after_s = 900 } or { after_s = 900, times = 2 }"
        return Problem(name, f"held {_shown(held, inner)}", _lower(own))
    if "@" in str(held) and key == "webhook_url":
        return Problem(name, "held a user or password, which it may not", wanted)
    return Problem(name, f"held {_shown(held, [])}", wanted)


def _shown(held: object, path: list[str]) -> str:
    """What stands where a fault is, or the whole if nothing does."""
    for part in path:
        if not isinstance(held, Mapping) or part not in held:
            break
        held = held[part]
    text = held.isoformat() if isinstance(held, datetime) else repr(held)
    return text if len(text) <= 200 else text[:200] + "…"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
