"""What providers were used for, month by month, in files that processes share.

Each use is a line of JSON in `usage-YYYY-MM.jsonl`. Lines are appended, which the system does as a
whole, so processes need not wait for one another, and a crash loses at most the last line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from .usage import Meter, Use

__all__ = ["Ledger"]

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """The uses of a directory's months.

    Args:
        directory: where the files are; made when it is not there.
        now: the clock.
    """

    def __init__(self, directory: Path, now: Callable[[], datetime] = _now) -> None:
        self._directory = directory
        self._now = now
        self._month = ""
        self._read_bytes = 0
        self._spent_usd = 0.0

    def add(self, use: Use) -> None:
        """Keep a use. A disk that does not take it is said, and no error: the words are had."""
        line = json.dumps(
            {
                "at": self._now().isoformat(timespec="seconds"),
                "kind": use.kind,
                "provider": use.provider,
                "amount": round(use.amount, 1),
                "usd": use.usd,
                "priced": use.priced,
            }
        )
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with self._path().open("ab", buffering=0) as file:
                file.write(line.encode() + b"\n")
        except OSError as error:
            log.warning("usage could not be kept", error=os.strerror(error.errno or 0))

    def uses(self) -> list[Use]:
        """What was used this month, by all processes, one for each kind and provider."""
        meter = Meter()
        try:
            lines = self._path().read_bytes().splitlines()
        except OSError:
            return []
        for line in lines:
            if (use := _use(line)) is not None:
                meter.add(use)
        return meter.uses()

    def spent_usd(self) -> float:
        """What was spent this month, as far as prices are known."""
        path = self._path()
        if path.name != self._month:
            self._month, self._read_bytes, self._spent_usd = path.name, 0, 0.0
        try:
            with path.open("rb") as file:
                file.seek(self._read_bytes)
                fresh = file.read()
        except OSError:
            return self._spent_usd
        # Another process may be in the middle of a line.
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            use = _use(line)
            self._spent_usd += 0.0 if use is None else use.usd or 0.0
        return self._spent_usd

    def _path(self) -> Path:
        return self._directory / f"usage-{self._now():%Y-%m}.jsonl"


def _use(line: bytes) -> Use | None:
    """A line's use; None when a crash has cut it."""
    try:
        held = json.loads(line)
        amount, usd = float(held["amount"]), held["usd"]
        return Use(held["kind"], held["provider"], amount, usd, held.get("priced", ""))
    except (ValueError, KeyError, TypeError):
        return None
