"""What vendors said, as their documentation shows it: one message a line."""

from __future__ import annotations

from pathlib import Path

__all__ = ["recorded"]

FOLDER = Path(__file__).parent / "recordings"


def recorded(name: str) -> list[str]:
    """The messages of one conversation."""
    return (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
