"""How this process trusts vendors' certificates."""

from __future__ import annotations

import functools
import ssl

__all__ = ["tls_context"]


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One context for the process: each takes half a megabyte, and ten milliseconds to make."""
    return ssl.create_default_context()
