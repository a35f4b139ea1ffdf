"""PURE: a row → a contact with its first plan, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.campaign.planning import first_plan
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import NewContact, Plan
from bot.campaign.zones import ZoneError
from bot.numbers import LANGUAGE
from bot.telephony.twiml import parameter_bytes, parameter_fault

from .columns import Layout, check_columns, layout_of
from .faults import ContactsError
from .numbers import Callee, NumberError, callee_of
from .places import Places
from .rows import Row

__all__ = ["NO", "YES", "Checker", "NoConsentError", "RowError"]

YES = ("yes", "y", "true", "t", "1", "x", "on")
"""What says, in whatever case, that somebody has consented."""
NO = ("no", "n", "false", "f", "0", "off")
"""And that they have not: they are refused whatever the campaign asks for."""

_LANGUAGE = re.compile(LANGUAGE)
_MAX_LAYOUTS = 1000
_MAX_BYTES = 48 * 1024
"""Of all variables in Twilio's answer, which may have 64 KiB, our own parts included."""
_OVERHEAD = 6
"""What stands around each variable, in characters that take six bytes."""

Checked = tuple[NewContact, Plan]


class RowError(Exception):
    """The row is no contact of this campaign; says why."""


class NoConsentError(RowError):
    """Somebody does not consent to be called; says who, as E.164."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class Checker:
    """Checks the rows of one file.

    Args:
        spec: the campaign's.
        columns: by field (`FIELDS`) the column that holds it, where the usual names do not say.
        strict: whether rows have the same columns, so that a wrong one stops the import.
        now_ms: from when on contacts may be called; may be changed later.

    Raises (when made):
        ContactsError: `columns` names no such field.
    """

    def __init__(
        self, spec: CampaignSpec, columns: Mapping[str, str], *, strict: bool, now_ms: int
    ) -> None:
        check_columns(columns)
        self._spec = spec
        self._columns = columns
        self._strict = strict
        self._own = frozenset(spec.from_numbers)
        self._layouts: dict[tuple[str, ...], Layout | str] = {}
        self._places = Places()
        self._plans: dict[tuple[str, ...], Plan | None] = {}
        self._now_ms = now_ms

    @property
    def now_ms(self) -> int:
        """From when on contacts may be called."""
        return self._now_ms

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._plans.clear()

    def written(self, row: Row) -> str:
        """The number as it is in the row; empty if that has none that could be found."""
        layout = self._layouts.get(row.names)
        if not isinstance(layout, Layout) or layout.number is None:
            return ""
        return row.cells[layout.number]

    def check(self, row: Row) -> Checked:
        """The contact, and when they may be called first.

        Raises:
            RowError: it is none, or may never be called; a `NoConsentError` when it says so.
            ContactsError: as `columns.layout_of`, when `strict`.
        """
        if row.fault:
            raise RowError(row.fault)
        layout, cells = self._layout(row.names), row.cells
        callee = self._callee(cells, layout)
        self._check_consent(callee.number, cells, layout)
        zones = self._zones(callee, _cell(cells, layout.time_zone))
        contact = NewContact(
            callee.number,
            zones,
            name=_name(_cell(cells, layout.name)),
            language=_language(_cell(cells, layout.language)),
            variables=_variables(cells, layout),
        )
        return contact, self._plan(zones)

    def _layout(self, names: tuple[str, ...]) -> Layout:
        layout = self._layouts.get(names)
        if layout is None:
            # Each JSON line may have other keys.
            if len(self._layouts) >= _MAX_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[names] = self._find(names)
        if isinstance(layout, str):
            raise RowError(layout)
        return layout

    def _find(self, names: tuple[str, ...]) -> Layout | str:
        try:
            layout = layout_of(names, self._columns)
            self._demand_said(layout, names)
            if self._strict:
                self._demand(layout, names)
        except ContactsError as error:
            if self._strict:
                raise
            return str(error)
        return layout

    def _demand_said(self, layout: Layout, names: tuple[str, ...]) -> None:
        """Raise `ContactsError` unless the columns are there that the user has said."""
        for field, column in self._columns.items():
            if getattr(layout, field) is None:
                raise ContactsError(f"there is no column {column!r}; there are {_shown(names)}")

    def _demand(self, layout: Layout, names: tuple[str, ...]) -> None:
        """Raise `ContactsError` unless all that is needed has its column."""
        if layout.number is None:
            raise ContactsError(
                f"which column has the numbers? There are {_shown(names)}: name it,"
                " number=COLUMN (the first line has to name the columns)"
            )
        if layout.consent is None and self._spec.require_consent:
            raise ContactsError(
                "the campaign has require_consent, so there has to be a column `consent`:"
                f" there are {_shown(names)}"
            )

    def _callee(self, cells: Sequence[str], layout: Layout) -> Callee:
        try:
            callee = callee_of(_cell(cells, layout.number), self._spec.region)
        except NumberError as error:
            raise RowError(f"number: {error}") from None
        if callee.number in self._own:
            raise RowError("number: it is one of those that the campaign calls from")
        return callee

    def _zones(self, callee: Callee, given: str) -> tuple[str, ...]:
        try:
            return self._places.zones(callee, given)
        except ZoneError as error:
            raise RowError(f"time zone: {error}") from None

    def _check_consent(self, number: str, cells: Sequence[str], layout: Layout) -> None:
        said = _cell(cells, layout.consent).casefold()
        if said in NO:
            raise NoConsentError(number)
        if said and said not in YES:
            # Whoever wrote "declined" there has not consented either.
            raise RowError(f"consent: it is neither a yes ({', '.join(YES)}) nor a no")
        if self._spec.require_consent and said not in YES:
            raise RowError(f"consent: there is no yes ({', '.join(YES)})")

    def _plan(self, zones: tuple[str, ...]) -> Plan:
        if zones not in self._plans:
            self._plans[zones] = first_plan(self._spec, zones, self._now_ms)
        plan = self._plans[zones]
        if plan is None:
            raise RowError(
                f"there is no moment at which they may be called, in {_those(zones)}: give a time"
                " zone, or change window, days, holidays or ends_at"
            )
        return plan


def _shown(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:30])


def _cell(cells: Sequence[str], at: int | None) -> str:
    return "" if at is None else cells[at].strip()


def _those(zones: tuple[str, ...]) -> str:
    return zones[0] if len(zones) == 1 else f"every one of {len(zones)} time zones"


def _name(name: str) -> str:
    if name and (fault := parameter_fault("name", name)):
        raise RowError(f"name: {fault}")
    return name


def _language(said: str) -> str:
    if not said:
        return ""
    primary, *others = said.replace("_", "-").split("-")
    tag = "-".join([primary.lower(), *(o.upper() if len(o) == 2 else o for o in others)])
    if not _LANGUAGE.fullmatch(tag):
        raise RowError("language: write a BCP-47 tag such as en-US")
    return tag


def _variables(cells: Sequence[str], layout: Layout) -> dict[str, str]:
    variables, chars = {}, 0
    for at, name in layout.variables:
        value = cells[at]
        if not name:
            if value.strip():
                raise RowError("there is a value in a column without a name")
        elif fault := parameter_fault(name, value):
            raise RowError(f"{name[:80]!r}: {fault}")
        else:
            variables[name] = value
            chars += _OVERHEAD + len(name) + len(value)
    # No character takes more than six bytes there: hardly any row has to be looked at.
    if chars * 6 > _MAX_BYTES:
        size = sum(parameter_bytes(name, value) for name, value in variables.items())
        if size > _MAX_BYTES:
            raise RowError(f"its variables are {size} of at most {_MAX_BYTES} bytes in XML")
    return variables
