"""Certificates, settings, and findings as tests want to read them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from bot.doctor.finding import Finding
from bot.settings import Settings
from tests.bot.commands import run

from .site import TOKEN

__all__ = ["run"]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority of these tests' own."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the authority."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """How a server shows the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Make settings with a state directory of the test's own."""

    def make(**more: object) -> Settings:
        given: dict[str, object] = {
            "public_url": "http://127.0.0.1:8080",
            "state_dir": tmp_path / "state",
            "twilio_auth_token": TOKEN,
        }
        return Settings.model_validate(given | more)

    return make


class Findings(list[Finding]):
    """What was told."""

    @property
    def lines(self) -> list[str]:
        return [f"{one.level} {one.check}: {one.text}" for one in self]

    @property
    def last(self) -> Finding:
        return self[-1]


@pytest.fixture
def found() -> Findings:
    return Findings()
