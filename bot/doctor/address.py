"""The public address: does its name resolve, and is its certificate one that Twilio accepts?"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from bot.settings import is_loopback

from .finding import Tell, failure, ok, warning
from .thread import aside

__all__ = ["PublicAddress", "check_name", "check_tls"]

RESOLVE_DEADLINE_S = 5.0
TLS_DEADLINE_S = 5.0
DAY_S = 86_400
# Who renews by ACME does it a month before the end: so late, it has failed.
SOON_DAYS = 14

_UNTRUSTED = (
    "use a certificate of a public authority, served with its whole chain: Twilio trusts no other"
)
# OpenSSL's x509_vfy.h.
_REMEDIES = {
    9: "set this machine's clock, or wait",
    10: "renew it",
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    62: "get a certificate for this name, or correct PARLEY_PUBLIC_URL",
    64: "get a certificate for this address, or correct PARLEY_PUBLIC_URL",
}


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where PARLEY_PUBLIC_URL points: a host, its port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, public_url: str) -> Self:
        parts = urlsplit(public_url)
        tls = parts.scheme == "https"
        return cls(str(parts.hostname), parts.port or (443 if tls else 80), tls)


async def check_name(address: PublicAddress, tell: Tell) -> bool:
    """Whether the name resolves, so that it makes sense to go on."""
    remedy = "create a DNS record for it, or correct PARLEY_PUBLIC_URL"
    try:
        async with asyncio.timeout(RESOLVE_DEADLINE_S):
            found = await aside(
                lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            )
    except TimeoutError:
        text = f"{address.host} is not resolved within {RESOLVE_DEADLINE_S:g} s"
        tell(failure("address", text, "see to the DNS of this machine"))
        return False
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        tell(failure("address", f"{address.host} does not resolve: {reason}", remedy))
        return False
    ips = sorted({str(item[4][0]) for item in found})
    named = address.host if ips == [address.host] else f"{address.host} is {', '.join(ips)}"
    remedy = "for calls from Twilio set PARLEY_PUBLIC_URL to an https:// address on the internet"
    if is_loopback(address.host):
        tell(warning("address", f"{named}: only this machine reaches it", remedy))
    elif not any(_is_public(ip) for ip in ips):
        tell(warning("address", f"{named}: a private network's, as seen from here", remedy))
    else:
        tell(ok("address", named))
    return True


async def check_tls(
    address: PublicAddress, tell: Tell, clock: Callable[[], float] = time.time
) -> ssl.SSLContext | None:
    """The context with which the address can be trusted; None when it cannot.

    Which authorities are trusted is for OpenSSL to say: those of the machine, or `SSL_CERT_FILE`.
    """
    context = ssl.create_default_context()
    where = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(TLS_DEADLINE_S):
            _, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, server_hostname=address.host
            )
    except ssl.SSLCertVerificationError as error:
        remedy = _REMEDIES.get(error.verify_code, "see to the certificate")
        text = f"the certificate of {where} is not good: {error.verify_message}"
        tell(failure("tls", text, remedy))
        return None
    except ssl.SSLError as error:
        text = f"{where} does not speak TLS as we do: {error.reason or error}"
        tell(failure("tls", text, "have the proxy offer TLS 1.2 or later on this port"))
        return None
    except (OSError, TimeoutError) as error:
        remedy = "start the proxy, open the port, or correct PARLEY_PUBLIC_URL"
        tell(failure("tls", f"{where} cannot be reached: {_reason(error)}", remedy))
        return None
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        _tell_validity(address, connection, clock(), tell)
    finally:
        writer.close()
    return context


def _tell_validity(
    address: PublicAddress, connection: ssl.SSLObject, now_s: float, tell: Tell
) -> None:
    certificate = connection.getpeercert() or {}
    until_s = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((until_s - now_s) // DAY_S)
    date = datetime.fromtimestamp(until_s, UTC).date()
    text = f"{connection.version()}, certificate for {address.host} until {date}, {days} days"
    if days < SOON_DAYS:
        tell(warning("tls", text, "renew it; see why it was not renewed by itself"))
    else:
        tell(ok("tls", text))


def _reason(error: OSError) -> str:
    # asyncio's own words repeat the address; a TimeoutError of its has none.
    return os.strerror(error.errno) if error.errno else str(error) or "no answer in time"


def _is_public(ip: str) -> bool:
    # A link-local IPv6 address has its interface behind a per cent sign.
    return ipaddress.ip_address(ip.partition("%")[0]).is_global
