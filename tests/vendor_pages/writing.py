"""Which files are not what they are to be."""

from __future__ import annotations

import re
from pathlib import Path

from providers.catalog import VENDORS

from .page import page
from .tables import everything, of_all

__all__ = ["README", "VENDOR_FILES", "stale"]

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
VENDOR_FILES = ROOT / "providers" / "vendors"
TABLE = re.compile(r"(<!-- vendors: [^\n]* -->\n)(.*?)(<!-- end of vendors -->\n)", re.DOTALL)


def stale() -> dict[Path, str]:
    """The files that are stale or missing, and what they are to hold."""
    infos = everything()
    wanted = {
        VENDOR_FILES / f"{account}.md": page(
            vendor, [info for info in infos if info.vendor is vendor]
        )
        for account, vendor in VENDORS.items()
    }
    wanted[README] = TABLE.sub(
        lambda found: found[1] + of_all(infos) + found[3], README.read_text("utf-8")
    )
    return {
        path: text
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    }
