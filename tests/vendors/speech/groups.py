"""What has gone wrong in a group of tasks."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["leaf"]

_Error = TypeVar("_Error", bound=Exception)


def leaf(group: BaseExceptionGroup[_Error]) -> _Error:
    """The first error of a group, and of the groups in it."""
    error: _Error | BaseExceptionGroup[_Error] = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
