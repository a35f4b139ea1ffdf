"""PURE: `call.state` as it is at one moment."""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["copied"]


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """The state to go back to. A value that cannot be copied, which is no JSON, stays as it is."""
    copies: dict[str, Any] = {}
    for key, value in state.items():
        try:
            copies[key] = copy.deepcopy(value)
        except Exception:
            copies[key] = value
    return copies
