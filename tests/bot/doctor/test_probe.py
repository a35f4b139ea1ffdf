"""What is asked through the public address, of sites that answer well and less well."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

import pytest
import trustme

from bot.doctor import probe
from bot.doctor.address import PublicAddress, check_tls
from bot.doctor.finding import Level
from bot.doctor.probe import Probe
from bot.telephony.address import Address
from tests.serving import silent_server

from .conftest import Findings, server_context
from .site import TOKEN, Site, listening, serving, tls_proxy


async def examined(site: Site, found: Findings, token: str | None = TOKEN) -> None:
    async with serving(site) as url:
        await Probe(Address(url), token, None).run(found.append)


async def test_a_worker_passes(found: Findings) -> None:
    await examined(Site(), found)
    assert [(one.check, one.level) for one in found] == [
        ("worker", Level.OK),
        ("webhook", Level.OK),
        ("stream", Level.OK),
    ]


async def test_without_a_token_only_health_is_asked(found: Findings) -> None:
    await examined(Site(), found, token=None)
    assert [one.check for one in found] == ["worker"]


async def test_another_token_is_not_the_workers(found: Findings) -> None:
    await examined(Site(), found, token="another")
    assert found.lines[1:] == [
        "failure webhook: the worker takes our signature for wrong",
        "failure stream: the worker takes our signature for wrong",
    ]
    assert all("TWILIO_AUTH_TOKEN and PARLEY_PUBLIC_URL" in one.remedy for one in found[1:])


@pytest.mark.parametrize(
    ("health", "line"),
    [
        ((404, ""), "ok worker: /health is not shown from here (HTTP 404)"),
        ((200, "<html>"), "ok worker: /health is not shown from here (HTTP 200)"),
        ((502, ""), "failure worker: the proxy reaches no worker (HTTP 502)"),
        ((503, ""), "failure worker: the proxy reaches no worker (HTTP 503)"),
    ],
)
async def test_health(found: Findings, health: tuple[int, str], line: str) -> None:
    await examined(Site(health=health), found)
    assert found.lines[0] == line
    assert len(found) == (1 if line.startswith("failure") else 3)


SITE = Site()


@pytest.mark.parametrize(
    ("site", "text", "remedy"),
    [
        (
            replace(SITE, webhook=(404, "")),
            "/twilio/voice answered HTTP 404, which no worker does",
            "have the proxy pass /twilio/ on",
        ),
        (
            replace(SITE, webhook=(400, "<h1>Bad Request</h1>")),
            "/twilio/voice answered HTTP 400, which no worker does",
            "have the proxy pass /twilio/ on",
        ),
        (
            replace(SITE, webhook=(302, "")),
            "/twilio/voice answered HTTP 302, which no worker does",
            "have the proxy pass /twilio/ on",
        ),
        (
            replace(SITE, wrong_webhook=400),
            "a wrong signature was answered with HTTP 400 instead of 403",
            "have the proxy pass the worker's answers on",
        ),
    ],
)
async def test_a_webhook_that_goes_astray(
    found: Findings, site: Site, text: str, remedy: str
) -> None:
    await examined(site, found)
    assert (found[1].check, found[1].level, found[1].text) == ("webhook", Level.FAILURE, text)
    assert found[1].remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("site", "text", "remedy"),
    [
        (
            replace(SITE, upgrade=426),
            "an upgrade to WebSocket was answered with HTTP 426 instead of 101",
            "have the proxy pass WebSocket upgrades",
        ),
        (
            replace(SITE, upgrade=301),
            "an upgrade to WebSocket was answered with HTTP 301 instead of 101",
            "have the proxy pass WebSocket upgrades",
        ),
        (
            replace(SITE, upgrade=503),
            "too many sockets wait for a proof, or the proxy reaches no worker (HTTP 503)",
            "see what opens them",
        ),
        (
            replace(SITE, wrong_upgrade=101),
            "a wrong signature was answered with HTTP 101 instead of 403",
            "have the proxy pass the worker's answers on",
        ),
    ],
)
async def test_an_upgrade_that_does_not_pass(
    found: Findings, site: Site, text: str, remedy: str
) -> None:
    await examined(site, found)
    assert (found[2].check, found[2].level, found[2].text) == ("stream", Level.FAILURE, text)
    assert found[2].remedy.startswith(remedy)


async def test_nobody_is_there(found: Findings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        await Probe(Address(url), TOKEN, None).run(found.append)
    [finding] = found
    assert finding.text.startswith(f"{url} cannot be reached: ")
    assert finding.remedy.startswith("start a worker")


async def test_nobody_answers(found: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DEADLINE_S", 0.05)
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}"
        await Probe(Address(url), TOKEN, None).run(found.append)
    assert found.lines == [f"failure worker: {url} does not answer within 0.05 s"]


@pytest.mark.parametrize("fault", ["drops", "hangs", "babbles"])
async def test_a_proxy_that_spoils_all_but_health(
    found: Findings, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(probe, "DEADLINE_S", 0.1)
    answers = {"drops": b"", "hangs": None, "babbles": b"what?\r\n\r\n"}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever waits for so short a time may be gone before it has said anything.
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            await respond(head, reader, writer)

    async def respond(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        text = answers[fault]
        if b"/health" in head:
            text = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        if text is None:
            await reader.read()
        else:
            writer.write(text)
            await writer.drain()
            writer.close()

    async with listening(answer) as port:
        url = f"http://127.0.0.1:{port}"
        await Probe(Address(url), TOKEN, None).run(found.append)
    assert [(one.check, one.level) for one in found[1:]] == [
        ("webhook", Level.FAILURE),
        ("stream", Level.FAILURE),
    ]
    assert found[2].text.startswith("an upgrade to WebSocket ")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("metrics", [(200, "parley_calls_active 0\n"), (404, "")])
async def test_through_a_proxy_that_ends_tls(
    authority: trustme.CA, found: Findings, metrics: tuple[int, str]
) -> None:
    site = Site(metrics=metrics)
    context = server_context(authority.issue_cert("localhost"))
    async with serving(site) as url, tls_proxy(context, int(url.rpartition(":")[2])) as port:
        site.address = address = Address(f"https://localhost:{port}")
        trusting = await check_tls(PublicAddress.of(address.public_url), found.append)
        await Probe(address, TOKEN, trusting).run(found.append)
    failed = [one.check for one in found if one.level is Level.FAILURE]
    assert failed == []
    open_to_all = "warning worker: everybody can read /metrics at the public address"
    assert (open_to_all in found.lines) is (metrics[0] == 200)
    assert [one.check for one in found][-2:] == ["webhook", "stream"]
