"""A test's server leaves nothing behind, whenever it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import warnings
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from bot.memory import settle
from tests.serving import serving_app
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script


@pytest.fixture(scope="module", autouse=True)
def settled() -> None:
    """What earlier tests have left is looked through once, and not in each of these."""
    settle()


@pytest.mark.parametrize("rounds", range(6))
async def test_a_connection_that_comes_as_it_stops_is_closed(rounds: int) -> None:
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        async with serving_app(Starlette()) as served:
            client = socket.create_connection(("127.0.0.1", served.port))
            for _ in range(rounds):  # of the loop: from the kernel's queue to a connection
                await asyncio.sleep(0)
        gc.collect()
        with client, contextlib.suppress(ConnectionResetError):
            client.settimeout(5)
            assert not client.recv(1)
    assert not [str(one.message) for one in complaints]


@pytest.mark.parametrize("rounds", range(6))
async def test_a_vendors_stand_in_closes_it_too(rounds: int) -> None:
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        async with SonioxStandIn(OracleHearing(computed_script(["Hello."]))) as vendor:
            address = urlsplit(vendor.stt_url)
            socket.create_connection((address.hostname, address.port)).close()
            for _ in range(rounds):
                await asyncio.sleep(0)
        gc.collect()
    assert not [str(one.message) for one in complaints]


async def test_one_that_has_stopped_listening_refuses() -> None:
    async with serving_app(Starlette()) as served:
        served.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.port))
