"""The proxy of a deployment: a real Caddy with the repository's own configuration."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from bot.demo.worker import free_port
from tests.background import eventually

__all__ = ["ROOT", "Proxy", "running_proxy"]

ROOT = Path(__file__).resolve().parents[2]
STOP_DEADLINE_S = 10.0


class Proxy:
    """Ends TLS in front of workers, with a certificate for localhost.

    Args:
        folder: for its certificate, its log and what it keeps.

    Attributes:
        port: where it will listen.
        authority: the file that whoever asks must trust.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.authority = folder / "authority.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(folder / "certificate.pem"), append=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def environment(self, workers: Sequence[str]) -> dict[str, str]:
        return {
            "PARLEY_PUBLIC_URL": self.url,
            "WORKERS": " ".join(workers),
            "TLS_CERTIFICATE": str(self._folder / "certificate.pem"),
            "TLS_KEY": str(self._folder / "key.pem"),
            "XDG_CONFIG_HOME": str(self._folder),
            "XDG_DATA_HOME": str(self._folder),
        }

    def log(self) -> str:
        return (self._folder / "caddy.log").read_text("utf-8")

    async def listens(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False


@asynccontextmanager
async def running_proxy(proxy: Proxy, workers: Sequence[str]) -> AsyncIterator[None]:
    """Run it in front of these workers, each as host:port, until the context is left."""
    if (caddy := shutil.which("caddy")) is None:
        pytest.skip("no caddy on the PATH: apt-get install caddy")
    with (proxy.authority.parent / "caddy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(caddy, "run", "--adapter", "caddyfile"),
            *("--config", str(ROOT / "infra" / "Caddyfile")),
            env=proxy.environment(workers),
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await eventually(proxy.listens)
        yield
    finally:
        process.terminate()
        async with asyncio.timeout(STOP_DEADLINE_S):
            await process.wait()
