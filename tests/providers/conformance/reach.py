"""Brings a test to any provider of the catalogue, and to the stand-in that it talks to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from providers.catalog import VENDORS, account_of, build_file_stt, build_stt, build_tts
from tests.providers.leaks import nothing_left
from tests.vendors.speech.access import Access
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.record import Record
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.standin import StandIn

__all__ = ["LOCAL", "SCRIPT", "Reached", "access_to", "key_of", "reached", "remote", "since"]

_KEYS = {
    account: [key for key, setting in vendor.settings.items() if setting.holds == "key"]
    for account, vendor in VENDORS.items()
}
LOCAL = frozenset(account for account, keys in _KEYS.items() if not keys)
"""They run on this machine: there is nobody to stand in for."""

SCRIPT = computed_script(["Hello, this is Parley.", "How may I help?"], pause_ms=800)
"""What the stand-ins understand, if they are given no other ears; five seconds."""


class _Provider(Protocol):
    async def aclose(self) -> None: ...


ProviderT = TypeVar("ProviderT", bound=_Provider)


@dataclass(frozen=True, slots=True)
class Reached(Generic[ProviderT]):
    """A provider, and its vendor's stand-in.

    Attributes:
        service: what of the stand-in's the provider talks to.
    """

    provider: ProviderT
    standin: StandIn
    service: str

    @property
    def records(self) -> list[Record]:
        """The provider's connections, or requests, in their order."""
        return self.standin.records[self.service]


def remote(table: Mapping[str, str]) -> list[str]:
    """The providers of one of the catalogue's tables that are somebody's service."""
    return [name for name in table if name not in LOCAL]


def access_to(name: str) -> Access:
    """The way to the stand-in for a provider's vendor.

    Raises:
        ModuleNotFoundError: the vendor has none.
    """
    access = import_module(f"tests.vendors.{account_of(name)}.access").ACCESS
    assert isinstance(access, Access)
    return access


def key_of(name: str) -> str:
    """The setting that holds the key of a provider's account."""
    return _KEYS[account_of(name)][0]


@asynccontextmanager
async def reached(
    build: Callable[..., ProviderT],
    name: str,
    *faults: Fault,
    hearing: Hearing | None = None,
    account: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Reached[ProviderT]]:
    """A provider whose connections, or requests, meet these faults; nothing of it may be left.

    Args:
        build: the catalogue's function for its kind.
        name: the catalogue's.
        faults: one for each connection or request of its service.
        hearing: the stand-in's ears; None knows `SCRIPT`.
        account: settings that are not what leads to the stand-in.
        options: the stand-in's, such as `voice` and `pace`.
    """
    access = access_to(name)
    services = {build_stt: access.stt, build_tts: access.tts, build_file_stt: access.files}
    service = services[build][name]
    standin = access.standin(hearing or OracleHearing(SCRIPT), faults={service: faults}, **options)
    async with AsyncExitStack() as stack:
        if is_deaf := any(fault.kind == "deaf" for fault in faults):
            # It reads nothing, so it does not see that its client leaves.
            await stack.enter_async_context(nothing_left())
        await stack.enter_async_context(standin)
        if not is_deaf:
            await stack.enter_async_context(nothing_left(standin))
        provider = build(name, **{**access.settings(standin), **(account or {})})
        stack.push_async_callback(provider.aclose)
        yield Reached(provider, standin, service)


def since(began_s: float) -> float:
    """How long ago that was, in seconds of the loop's clock."""
    return asyncio.get_running_loop().time() - began_s
