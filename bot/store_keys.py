"""PURE: the names of everything that Parley keeps in Redis.

Some scripts learn only in Redis whose key they need, so that they make its name themselves: the
deployment needs one Redis, no cluster of them.
"""

from __future__ import annotations

import re

__all__ = ["SID", "Keys"]

SID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""What may be a SID. What else a stranger calls one could be a part of the name of another key."""


class Keys:
    """The names of the keys.

    Args:
        prefix: what every one begins with.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.index = f"{prefix}calls"
        self.workers = f"{prefix}workers"
        # What the scripts make names of: BASE .. id, and BASE .. id .. ':calls'.
        self.call_base = f"{prefix}call:"
        self.worker_base = f"{prefix}worker:"

    def call(self, sid: str) -> str:
        return f"{self.call_base}{sid}"

    def log(self, sid: str) -> str:
        return f"{self.call_base}{sid}:log"

    def once(self, key: str) -> str:
        return f"{self._prefix}once:{key}"

    def answer(self, key: str) -> str:
        return f"{self._prefix}answer:{key}"

    def writer(self, writer: str) -> str:
        return f"{self._prefix}writer:{writer}"

    def worker(self, worker: str) -> str:
        return f"{self.worker_base}{worker}"

    def worker_calls(self, worker: str) -> str:
        return f"{self.worker_base}{worker}:calls"

    def inbox(self, worker: str) -> str:
        return f"{self.worker_base}{worker}:inbox"

    def command(self, command: str) -> str:
        return f"{self._prefix}command:{command}"

    def usage(self, of: str) -> str:
        """Of a month, or of a worker."""
        return f"{self._prefix}usage:{of}"

    def stt(self, session: str, part: str = "") -> str:
        """Of a session of the streaming STT API, or a part of what is kept of it."""
        name = f"{self._prefix}stt:{session}"
        return f"{name}:{part}" if part else name

    @property
    def stt_stats(self) -> str:
        """What each worker has counted of that API."""
        return f"{self._prefix}stt-stats"

    @property
    def api_keys(self) -> str:
        """The index of the API's keys."""
        return f"{self._prefix}api-keys"

    @property
    def api_origins(self) -> str:
        """Whose pages may use one of the API's keys."""
        return f"{self._prefix}api-keys:origins"

    @property
    def api_key_base(self) -> str:
        """What scripts make names of: BASE .. id, and BASE .. id .. ':open' or ':audio'."""
        return f"{self._prefix}api-key:"

    def api_key(self, key_id: str, *part: str) -> str:
        """Of one of the API's keys, or a part of what is counted of it."""
        return ":".join([f"{self.api_key_base}{key_id}", *part])

    def api_token(self, digest: str) -> str:
        """Of a token that stands for one of the API's keys."""
        return f"{self._prefix}api-token:{digest}"

    def receipt(self, command: str) -> str:
        return f"{self._prefix}command:{command}:receipt"
