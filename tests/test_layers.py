"""The house rules that a reader cannot see in one file: import direction and purity."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "media": {"media"},
    "providers": {"media", "providers"},
    "bot": {"media", "providers", "bot"},
}
IMPURE = {
    "asyncio",
    "http",
    "httpx",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "redis",
    "requests",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "starlette",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uvicorn",
    "websockets",
}
SOURCES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def is_pure(path: Path) -> bool:
    """Whether a module has to be pure: all of `media`, turn-taking, and what says so itself."""
    must = path.is_relative_to(ROOT / "media") or path == ROOT / "bot" / "turn.py"
    return must or path.read_text(encoding="utf-8").startswith('"""PURE: ')


PURE = [path for path in SOURCES if is_pure(path)]


WAITING = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Absolute names of the modules that `path` imports, wherever in the file."""
    package = path.relative_to(ROOT).parts[:-1]
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            names |= {prefix} if node.module else {f"{prefix}.{a.name}" for a in node.names}
    return frozenset(names)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_one_way() -> None:
    packages = {*MAY_IMPORT, "tests"}
    faults = {}
    for path in SOURCES:
        own = path.relative_to(ROOT).parts[0]
        reached = {module.split(".")[0] for module in imported(path)} & packages
        if strangers := reached - MAY_IMPORT[own]:
            faults[name(path)] = strangers
    assert faults == {}


def test_pure_modules_import_no_io() -> None:
    faults = {}
    for path in PURE:
        modules = imported(path)
        if impure := {m for m in modules if m in IMPURE or m.split(".")[0] in IMPURE}:
            faults[name(path)] = impure
    assert faults == {}


def test_pure_modules_neither_await_nor_open() -> None:
    faults = set()
    for path in PURE:
        for node in ast.walk(parsed(path)):
            called = node.func if isinstance(node, ast.Call) else None
            opens = isinstance(called, ast.Name) and called.id in {"open", "print", "input"}
            if opens or isinstance(node, WAITING):
                faults.add(f"{name(path)}:{getattr(node, 'lineno', 0)}")
    assert faults == set()


def test_audioop_has_one_door() -> None:
    doors = [name(path) for path in SOURCES if "audioop" in imported(path)]
    assert doors in ([], ["media/audio.py"])


def test_vendors_sockets_have_one_door() -> None:
    doors = [
        name(path)
        for path in SOURCES
        if path.is_relative_to(ROOT / "providers")
        and any(module.split(".")[0] == "websockets" for module in imported(path))
    ]
    assert doors == ["providers/websocket.py"]


def test_every_source_is_looked_at() -> None:
    assert {"bot", "media", "providers"} == {name(path).split("/")[0] for path in SOURCES}
    assert {"bot/turn.py", "bot/telephony/decision.py"} < {name(path) for path in PURE}
