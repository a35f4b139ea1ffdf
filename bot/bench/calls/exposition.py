"""What the worker itself has counted: its `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Buckets", "Exposition", "scrape"]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram: how many values were at most so large."""

    at_most: dict[float, float]

    def since(self, before: Buckets) -> Buckets:
        """What came in addition."""
        return Buckets(
            {limit: count - before.at_most[limit] for limit, count in self.at_most.items()}
        )

    @property
    def count(self) -> int:
        """How many values there are."""
        return round(max(self.at_most.values(), default=0))

    def quantile(self, share: float) -> float:
        """The value that this share of them does not exceed: the limit of the bucket it is in."""
        wanted = share * self.count
        return min(limit for limit, count in self.at_most.items() if count >= wanted)


@dataclass(frozen=True, slots=True)
class Exposition:
    """What was read of it.

    Attributes:
        tasks: how many tasks the worker has.
        barge_in_s: from the VAD's decision to `clear` sent.
    """

    tasks: float
    barge_in_s: Buckets


async def scrape(client: httpx.AsyncClient) -> Exposition:
    """Read the metrics of the worker that is the client's base URL.

    Raises:
        httpx.HTTPError: it does not answer.
    """
    response = await client.get("/metrics")
    response.raise_for_status()
    tasks, limits = 0.0, {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            if sample.name == "parley_tasks":
                tasks = sample.value
            elif sample.name == "parley_barge_in_seconds_bucket":
                limits[float(sample.labels["le"])] = sample.value
    return Exposition(tasks, Buckets(limits))
