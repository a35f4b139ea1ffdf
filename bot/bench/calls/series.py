"""Measurements over time."""

from __future__ import annotations

from array import array
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Figures", "Series", "percentile"]

Figures: TypeAlias = npt.NDArray[np.float64]


class Series:
    """Values, each with the time (s, `monotonic`) at which it was measured."""

    def __init__(self) -> None:
        self._at_s = array("d")
        self._values = array("d")

    def add(self, at_s: float, value: float) -> None:
        self._at_s.append(at_s)
        self._values.append(value)

    def within(self, from_s: float, to_s: float) -> Figures:
        """The values that were measured in a time."""
        at_s, values = np.array(self._at_s), np.array(self._values)
        found: Figures = values[(at_s >= from_s) & (at_s < to_s)]
        return found


def percentile(values: Figures, percent: float) -> float:
    """A percentile; 0 when there are no values."""
    return float(np.percentile(values, percent)) if values.size else 0.0
