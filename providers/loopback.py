"""PURE: what of an address stays on this machine."""

from __future__ import annotations

__all__ = ["LOCAL_HOSTS", "PROXY_MOUNTS"]

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts for which no proxy of the environment is asked, so that keys may go there in clear."""
PROXY_MOUNTS = {
    f"all://[{host}]" if ":" in host else f"all://{host}": None for host in sorted(LOCAL_HOSTS)
}
"""That, as httpx takes it for `mounts`."""
