"""What a provider needs before it can be used: a key, a package, a model."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from .catalog import VENDORS, account_of
from .facts import Kind

__all__ = ["missing"]


def missing(kind: Kind, name: str, settings: Mapping[str, Any]) -> str | None:
    """What to do before a provider can be used; None when nothing is missing.

    Args:
        kind: what it is to be used for.
        name: of the provider.
        settings: its account's, as `VendorSettings.vendor` gives them.
    """
    vendor = VENDORS.get(account_of(name))
    if vendor is None or name not in vendor.offers[kind]:
        return None  # whoever builds it finds out
    if vendor.package is not None and not _is_there(vendor.package):
        return f"install parley[{vendor.extra}] for {name}"
    own_server = vendor.offers[kind][name].own_server
    for group in vendor.needs:
        wanted = group if own_server is None else (*group, own_server)
        if not any(settings.get(key) for key in wanted):
            return f"set {' or '.join(map(vendor.variable, wanted))} for {name}"
    return None


def _is_there(package: str) -> bool:
    """Whether a package, which may be one in another, is installed."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False  # nor is the one that it is in
