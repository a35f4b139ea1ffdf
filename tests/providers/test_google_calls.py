from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import ServiceUnavailable

from media.audio import ULAW_8K
from providers import google_calls
from providers.catalog import build_stt
from providers.errors import AuthenticationError, InvalidResponseError, NetworkError
from providers.google import GoogleAccount
from providers.google_calls import failed, metadata_of
from providers.stt.trial import try_out
from providers.types import SttOptions
from tests.providers.conformance.reach import SCRIPT
from tests.vendors.google.standin import GoogleStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.virtual_time import virtual_time_on_sockets

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def account_file(folder: Path, **changed: Any) -> str:
    """The file of a service account, as Google's console gives it."""
    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "account.json"
    told = {
        "type": "service_account",
        "project_id": "mine",
        "private_key_id": "4a0f",
        "private_key": private.decode(),
        "client_email": "parley@mine.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        **changed,
    }
    path.write_bytes(orjson.dumps(told))
    return str(path)


def test_a_service_account_signs_its_own_tokens(tmp_path: Path) -> None:
    path = account_file(tmp_path)

    @virtual_time_on_sockets
    async def is_let_in() -> None:
        async with GoogleStandIn(OracleHearing(SCRIPT), certificate=PUBLIC) as standin:
            recognizer = build_stt(
                "google",
                application_credentials=path,
                project="mine",
                base_url=standin.base_url,
            )
            await try_out(recognizer, SttOptions(audio=ULAW_8K))
            await recognizer.aclose()
            (record,) = standin.records["stt"]
            assert record.key == "right"
            assert record.headers["authorization"].startswith("Bearer ")

    is_let_in()


def test_a_host_that_is_not_there_is_no_refusal() -> None:
    @virtual_time_on_sockets
    async def is_told() -> None:
        recognizer = build_stt("google", api_key="the-key", base_url="http://127.0.0.1:9")
        with pytest.raises(NetworkError):
            await try_out(recognizer, SttOptions(audio=ULAW_8K))
        await recognizer.aclose()

    is_told()


async def test_a_key_goes_with_each_call() -> None:
    account = GoogleAccount(api_key="the-key")
    assert await metadata_of("google", account) == (("x-goog-api-key", "the-key"),)


async def test_a_key_that_no_header_can_hold_is_refused_before_it_is_sent() -> None:
    with pytest.raises(AuthenticationError) as raised:
        await metadata_of("google", GoogleAccount(api_key="the\nkey"))
    assert "the\nkey" not in f"{raised.value} {raised.value!r}"


@pytest.mark.parametrize("changed", [{"private_key": "none"}, {"type": "authorized_user"}])
async def test_a_file_that_is_no_account_s_is_told(tmp_path: Path, changed: Any) -> None:
    path = account_file(tmp_path, **changed)
    with pytest.raises(AuthenticationError) as raised:
        await metadata_of("google", GoogleAccount(application_credentials=path))
    assert "GOOGLE_APPLICATION_CREDENTIALS" in raised.value.hint
    assert "PRIVATE" not in f"{raised.value} {raised.value!r}"


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "none.json")
    with pytest.raises(AuthenticationError, match="FileNotFoundError"):
        await metadata_of("google", GoogleAccount(application_credentials=path))


def user_of(folder: Path) -> GoogleAccount:
    """A user's, for whom Google has to be asked."""
    changed = {"type": "authorized_user", "client_id": "c", "client_secret": "s"}
    return GoogleAccount(application_credentials=account_file(folder, **changed, refresh_token="r"))


async def test_google_that_cannot_be_asked_is_no_wrong_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(NetworkError):
        await metadata_of("google", user_of(tmp_path))


async def test_google_that_does_not_answer_takes_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_calls, "TOKEN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        before = set(threading.enumerate())
        account = user_of(tmp_path)
        asked = [asyncio.create_task(metadata_of("google", account)) for _ in range(8)]
        await asyncio.sleep(0)
        begun = [thread.name for thread in set(threading.enumerate()) - before]
        assert all(name.startswith("google-tokens") for name in begun)
        for waiting in asked[1:]:
            waiting.cancel()
        with pytest.raises(NetworkError):
            await asked[0]


async def test_a_file_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    account = GoogleAccount(application_credentials=account_file(tmp_path))
    before = await metadata_of("google", account)
    assert await metadata_of("google", account) == before
    account_file(tmp_path, client_email="other@mine.iam.gserviceaccount.com")
    os.utime(tmp_path / "account.json", (1, 1))
    assert await metadata_of("google", account) != before


def test_what_is_no_status_is_no_answer() -> None:
    error = ServiceUnavailable("oh")  # type: ignore[no-untyped-call]
    assert isinstance(failed("google", error), InvalidResponseError)
