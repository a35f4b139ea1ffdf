"""The dialog hook: what a user of Parley writes, and the dialogs that come with it."""

from .types import (
    Action,
    Call,
    DialogError,
    Ended,
    Expect,
    Gather,
    Hangup,
    HistoryEntry,
    Interruption,
    Play,
    Reply,
    Say,
    SendDigits,
    SetLanguage,
    Transfer,
    Turn,
)

__all__ = [
    "Action",
    "Call",
    "DialogError",
    "Ended",
    "Expect",
    "Gather",
    "Hangup",
    "HistoryEntry",
    "Interruption",
    "Play",
    "Reply",
    "Say",
    "SendDigits",
    "SetLanguage",
    "Transfer",
    "Turn",
]
