"""What the user's own Python modules hold: found by `package.module:name`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from .types import DialogError

__all__ = ["OWN_PACKAGES", "find"]

OWN_PACKAGES = ("bot", "media", "providers")


def find(spec: str, what: str = "dialog") -> Any:
    """What `spec`, `package.module:name`, names on the Python path or in the working directory.

    Args:
        spec: as the user has written it; there must be text on both sides of the colon.
        what: it is to be, for messages.

    Raises:
        DialogError: there is nothing of that name, importing it failed, or its module has the name
            of one of Parley's own packages.
    """
    for package in OWN_PACKAGES:
        # Before the working directory is looked into, where another one may be called so.
        importlib.import_module(package)
    module_name = spec.partition(":")[0]
    package = module_name.partition(".")[0]
    try:
        if module_name not in OWN_PACKAGES:
            # Nothing of the user's is in one of ours itself, though a module of that name may be.
            return _find_anywhere(spec, what)
    except DialogError:
        if package not in OWN_PACKAGES:
            raise
    raise DialogError(
        f"{what} {spec!r}: {package!r} is the name of one of Parley's own packages"
        f" ({', '.join(OWN_PACKAGES)}): give your file another one"
    )


def _find_anywhere(spec: str, what: str) -> Any:
    module_name, _, attribute = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and not module_name.startswith(error.name):
            raise DialogError(f"{what} {spec!r} imports {error.name!r}, not installed") from error
        raise DialogError(
            f"{what} {spec!r}: no module {module_name!r} on the Python path or in {here}"
        ) from error
    except Exception as error:
        raise DialogError(f"{what} {spec!r}: importing it failed: {error!r}") from error
    target = module
    for part in attribute.split("."):
        if not hasattr(target, part):
            raise DialogError(f"{what} {spec!r}: {module_name} has no {attribute!r}")
        target = getattr(target, part)
    return target
