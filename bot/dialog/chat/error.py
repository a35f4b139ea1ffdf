"""The error of a chat."""

from __future__ import annotations

__all__ = ["ChatError"]


class ChatError(Exception):
    """No model has answered. The text is for the log: nothing of what was said or sent is in it."""
