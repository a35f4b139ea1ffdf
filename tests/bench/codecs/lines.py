"""How many lines a vendor is, by what they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Lines", "code_lines", "lines_of"]

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Lines:
    """Of one account.

    Attributes:
        modules: how many modules its codecs, and what they share, are.
        longest: the lines of the longest of them.
        source: all their lines.
        code: those of them that are neither blank, nor comment, nor docstring.
        declared: of its declaration.
        standin: of its stand-in.
        tests: of the tests of all of that, its recordings apart.
        recorded: messages in its recordings.
    """

    modules: int
    longest: int
    source: int
    code: int
    declared: int
    standin: int
    tests: int
    recorded: int


def lines_of(account: str) -> Lines:
    """The lines of an account, whose modules begin with its name."""
    homes = [ROOT / "providers", ROOT / "providers" / "stt", ROOT / "providers" / "tts"]
    modules = [path for home in homes for path in home.glob(f"{account}*.py")]
    folder = ROOT / "tests" / "vendors" / account
    checks = {*folder.glob("test_*.py"), *folder.glob("conftest.py")}
    tests = [*checks, *(ROOT / "tests" / "providers").rglob(f"test_{account}*.py")]
    recordings = (ROOT / "tests" / "providers" / "recordings").glob(f"{account}*.jsonl")
    counts = [_count(path) for path in modules]
    return Lines(
        modules=len(modules),
        longest=max(counts),
        source=sum(counts),
        code=sum(code_lines(path.read_text("utf-8")) for path in modules),
        declared=_count(ROOT / "providers" / "vendors" / f"{account}.toml"),
        standin=sum(_count(path) for path in {*folder.glob("*.py")} - checks),
        tests=sum(map(_count, tests)),
        recorded=sum(map(_count, recordings)),
    )


def code_lines(source: str) -> int:
    """The lines of a module that are neither blank, nor comment, nor docstring."""
    said = {number for node in ast.walk(ast.parse(source)) for number in _said(node)}
    lines = enumerate(source.splitlines(), 1)
    return sum(
        number not in said and line.strip() != "" and not line.lstrip().startswith("#")
        for number, line in lines
    )


def _said(node: ast.AST) -> Iterator[int]:
    """The lines of a string that stands alone."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _count(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())
