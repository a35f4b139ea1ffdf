"""`python -m tests.vendor_pages`: writes the pages, and says which were not as they should be."""

from __future__ import annotations

from .writing import stale

if __name__ == "__main__":
    for path, text in stale().items():
        path.write_text(text, "utf-8")
        print(f"written: {path}")
