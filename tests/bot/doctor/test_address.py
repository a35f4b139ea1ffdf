"""Names and certificates; the TLS is real."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from bot.doctor import address
from bot.doctor.address import PublicAddress, check_name, check_tls
from bot.doctor.finding import Level
from tests.serving import silent_server

from .conftest import Findings, server_context
from .site import listening

NOW = datetime.now(UTC)
DAY_S = 86_400


@asynccontextmanager
async def tls_server(certificate: trustme.LeafCert) -> AsyncIterator[PublicAddress]:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(ignore, server_context(certificate)) as port:
        yield PublicAddress("localhost", port, tls=True)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://bot.example", PublicAddress("bot.example", 443, True)),
        ("https://bot.example:8443/prefix", PublicAddress("bot.example", 8443, True)),
        ("http://127.0.0.1", PublicAddress("127.0.0.1", 80, False)),
        ("https://[2001:db8::1]:8443", PublicAddress("2001:db8::1", 8443, True)),
    ],
)
def test_the_address_is_the_urls(url: str, address: PublicAddress) -> None:
    assert PublicAddress.of(url) == address


# Names


@pytest.mark.parametrize(
    ("host", "level", "text"),
    [
        ("93.184.215.14", Level.OK, "93.184.215.14"),
        ("2606:2800:21f::1", Level.OK, "2606:2800:21f::1"),
        ("127.0.0.1", Level.WARNING, "127.0.0.1: only this machine reaches it"),
        ("10.1.2.3", Level.WARNING, "10.1.2.3: a private network's, as seen from here"),
        ("fe80::1%1", Level.WARNING, "a private network's, as seen from here"),
    ],
)
async def test_a_name_that_resolves(found: Findings, host: str, level: Level, text: str) -> None:
    assert await check_name(PublicAddress(host, 443, True), found.append)
    assert found.last.level is level
    assert text in found.last.text
    assert bool(found.last.remedy) is (level is not Level.OK)


async def test_a_name_of_this_machine_is_shown_with_its_address(found: Findings) -> None:
    assert await check_name(PublicAddress("localhost", 443, True), found.append)
    assert "localhost is " in found.last.text
    assert "127.0.0.1" in found.last.text


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example"])
async def test_a_name_that_does_not_resolve(found: Findings, host: str) -> None:
    assert not await check_name(PublicAddress(host, 443, True), found.append)
    assert found.last.level is Level.FAILURE
    assert found.last.text.startswith(f"{host} does not resolve: ")
    assert found.last.remedy == "create a DNS record for it, or correct PARLEY_PUBLIC_URL"


async def test_a_resolver_that_hangs(found: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "RESOLVE_DEADLINE_S", 0.05)
    given_up = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: given_up.wait(10))
    assert not await check_name(PublicAddress("bot.example", 443, True), found.append)
    given_up.set()
    assert "bot.example is not resolved within" in found.last.text


# Certificates


@pytest.mark.usefixtures("trusted")
async def test_a_good_certificate(authority: trustme.CA, found: Findings) -> None:
    until = NOW + timedelta(days=90, hours=1)
    async with tls_server(authority.issue_cert("localhost", not_after=until)) as site:
        context = await check_tls(site, found.append)
    assert isinstance(context, ssl.SSLContext)
    assert found.lines == [
        f"ok tls: TLSv1.3, certificate for localhost until {until.date()}, 90 days"
    ]


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_ends_soon(authority: trustme.CA, found: Findings) -> None:
    until = NOW + timedelta(days=90)
    async with tls_server(authority.issue_cert("localhost", not_after=until)) as site:
        later_s = until.timestamp() - 13.5 * DAY_S
        assert await check_tls(site, found.append, clock=lambda: later_s)
    assert found.last.level is Level.WARNING
    assert found.last.text.endswith("13 days")
    assert found.last.remedy.startswith("renew it")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("names", "days", "text", "remedy"),
    [
        (["localhost"], (-9, -1), "certificate has expired", "renew it"),
        (["localhost"], (1, 9), "certificate is not yet valid", "set this machine's clock"),
        (["other.example"], (-9, 9), "Hostname mismatch", "get a certificate for this name"),
    ],
)
async def test_a_certificate_that_is_not_good(
    authority: trustme.CA,
    found: Findings,
    names: list[str],
    days: tuple[int, int],
    text: str,
    remedy: str,
) -> None:
    begin, end = (NOW + timedelta(days=day) for day in days)
    certificate = authority.issue_cert(*names, not_before=begin, not_after=end)
    async with tls_server(certificate) as site:
        assert await check_tls(site, found.append) is None
    [finding] = found
    assert finding.level is Level.FAILURE
    assert f"the certificate of localhost:{site.port} is not good: {text}" in finding.text
    assert finding.remedy.startswith(remedy)


async def test_an_authority_that_nobody_trusts(authority: trustme.CA, found: Findings) -> None:
    async with tls_server(authority.issue_cert("localhost")) as site:
        assert await check_tls(site, found.append) is None
    assert "unable to get local issuer certificate" in found.last.text
    assert "served with its whole chain: Twilio trusts no other" in found.last.remedy


async def test_a_port_that_speaks_something_else(found: Findings) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read()

    async with listening(greet) as port:
        site = PublicAddress("localhost", port, tls=True)
        assert await check_tls(site, found.append) is None
    assert found.last.level is Level.FAILURE
    assert "does not speak TLS as we do" in found.last.text


async def test_a_port_that_nobody_listens_on(found: Findings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site = PublicAddress("127.0.0.1", unused.getsockname()[1], tls=True)
        assert await check_tls(site, found.append) is None
    assert found.last.text == f"127.0.0.1:{site.port} cannot be reached: Connection refused"


async def test_a_port_that_never_answers(found: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "TLS_DEADLINE_S", 0.05)
    with silent_server() as port:
        site = PublicAddress("127.0.0.1", port, tls=True)
        assert await check_tls(site, found.append) is None
    assert found.last.text == f"127.0.0.1:{site.port} cannot be reached: no answer in time"
