"""PURE: which column is what: by its usual names, or as the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bot.telephony.twiml import parameter_fault

from .faults import ContactsError, OptionError

__all__ = ["FIELDS", "Layout", "check_columns", "is_usual", "layout_of"]

Field = Literal["number", "name", "time_zone", "language", "consent"]
FIELDS: tuple[Field, ...] = get_args(Field)
"""What a column can be beside a variable."""

MAX_COLUMNS = 200
"""As many as an export has."""
RESERVED = frozenset(
    ("name", "campaign", "called_back", "attempt", "from", "to", "direction", "dial_status")
)
"""Variables cannot have these names: by them a dialog sees what else is known of its contact, and a
worker what call a stream is of (`bot.telephony.answers`)."""

_NAMES: dict[Field, str] = {
    "number": "number phone phonenumber phoneno telephone telephonenumber tel mobile mobilenumber"
    " mobilephone cell cellphone cellnumber contactnumber msisdn e164",
    "name": "name fullname contactname",
    "time_zone": "timezone tz",
    "language": "language lang locale",
    "consent": "consent optin optedin",
}
_USUAL = {name: field for field, names in _NAMES.items() for name in names.split()}
"""By how they are spelled without case, spaces and signs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row each field is, None if nowhere; and the variables with their places."""

    number: int | None
    name: int | None
    time_zone: int | None
    language: int | None
    consent: int | None
    variables: tuple[tuple[int, str], ...]


def is_usual(name: str) -> bool:
    """Whether a column of that name is known for what it is."""
    return _plain(name) in _USUAL


def check_columns(columns: Mapping[str, str]) -> None:
    """Whether a mapping of fields to columns' names is one.

    Raises:
        ContactsError: it is not.
    """
    for field, column in columns.items():
        if field not in FIELDS:
            raise OptionError(
                f"there is no field {field!r}; a column can be one of {', '.join(FIELDS)}, and"
                " every other one is a variable"
            )
        if not column:
            raise OptionError(f"{field}= asks for a column's name")
    if len({*columns.values()}) < len(columns):
        raise OptionError("one column cannot be two fields")


def layout_of(names: tuple[str, ...], columns: Mapping[str, str]) -> Layout:
    """The layout of rows with these columns, some of which the user has said.

    Raises:
        ContactsError: it cannot be told what a column is, or it cannot be a variable.
    """
    if len(names) > MAX_COLUMNS:
        raise ContactsError(f"there are {len(names)} columns, of at most {MAX_COLUMNS}")
    taken = {field: _said(names, columns[field]) for field in FIELDS if field in columns}
    for field in FIELDS:
        if field not in taken:
            taken[field] = _found(names, field, {*taken.values()})
    used = {*taken.values()}
    variables = tuple((at, name) for at, name in enumerate(names) if at not in used)
    _check_variables([name for _, name in variables if name])
    return Layout(**taken, variables=variables)


def _said(names: tuple[str, ...], column: str) -> int | None:
    if column in names:
        return names.index(column)
    alike = [at for at, name in enumerate(names) if name.casefold() == column.casefold()]
    return alike[0] if alike else None


def _found(names: tuple[str, ...], field: Field, taken: set[int | None]) -> int | None:
    alike = [
        at for at, name in enumerate(names) if at not in taken and _USUAL.get(_plain(name)) == field
    ]
    exact = [at for at in alike if _plain(names[at]) == _plain(field)]
    if len(exact) == 1:
        return exact[0]
    if len(alike) > 1:
        these = " and ".join(repr(names[at]) for at in alike)
        raise ContactsError(f"{these} may both be the {field}: say {field}=COLUMN")
    return alike[0] if alike else None


def _check_variables(names: list[str]) -> None:
    counted = Counter(names)
    for name in names:
        if counted[name] > 1:
            raise ContactsError(f"the column {name[:80]!r} is there twice")
        if name in RESERVED:
            raise ContactsError(
                f"the column {name!r} cannot be a variable: Parley tells something else by that"
                " name; call it otherwise"
            )
        if fault := parameter_fault(name, ""):
            raise ContactsError(f"the column {name[:80]!r} cannot be a variable: {fault}")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
