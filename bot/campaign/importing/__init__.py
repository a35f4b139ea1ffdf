"""Contacts from CSV and JSON lines into a campaign, row by row, in constant memory."""

from .columns import FIELDS
from .contacts import Imported, import_contacts
from .faults import ContactsError, OptionError
from .rejects import Reject, Rejects, RejectsFile
from .source import read_file

__all__ = [
    "FIELDS",
    "ContactsError",
    "Imported",
    "OptionError",
    "Reject",
    "Rejects",
    "RejectsFile",
    "import_contacts",
    "read_file",
]
