"""PURE: what stops an import; what is wrong with one row is a `Reject` and stops nothing."""

from __future__ import annotations

__all__ = ["ContactsError", "OptionError"]


class ContactsError(Exception):
    """The import cannot begin or go on; says where, and what to do.

    What was imported before stays, and is a duplicate when the same is imported again.
    """


class OptionError(ContactsError):
    """What was asked for is no import: nothing was read."""
