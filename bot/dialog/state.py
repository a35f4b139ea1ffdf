"""PURE: `call.state` as it is at one moment."""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["copied"]

TRIES = 10


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """The state to go back to. A value that cannot be copied, which is no JSON, stays as it is."""
    # A list at once: a synchronous hook or tool may put something in meanwhile, in its thread.
    return {key: _copied(value) for key, value in [*state.items()]}


def _copied(value: Any) -> Any:
    for _ in range(TRIES):
        try:
            return copy.deepcopy(value)
        except RuntimeError:  # it has changed meanwhile
            continue
        except Exception:
            break
    return value
