"""`parley doctor` as a shell runs it, of a real worker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import trustme

from bot.doctor.examination import examine
from bot.doctor.finding import Level
from bot.settings import Settings
from tests.bot.commands import Run
from tests.bot.redis_process import ask
from tests.bot.running import Running, running_worker
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script

from .conftest import Findings, server_context
from .site import TOKEN, Site, serving, tls_proxy

pytestmark = pytest.mark.xdist_group("doctor")  # one worker for all

PREFIX = "test-doctor:"
LINES = [
    "warning settings",
    "warning address",
    "ok worker",
    "ok webhook",
    "ok stream",
    "ok redis",
    "ok redis",
    "ok dialog",
    "ok recognizer",
    "ok recognizer",
    "ok voice",
    "ok vad",
    "ok state",
    "ok recordings",
    "warning account",
]


@pytest.fixture(scope="module")
def worker(redis_url: str) -> Iterator[Running]:
    """A worker as `parley serve --dev` starts it."""
    settings = {"REDIS_URL": redis_url, "PARLEY_REDIS_PREFIX": PREFIX}
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        context = running_worker(PARLEY_POCKETSPHINX_PROCESSES="1", **settings)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def machine(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and an environment of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PARLEY_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path / "state"))
    # A Redis is not far away because this machine is busy.
    monkeypatch.setattr("bot.doctor.redis.SLOW_MS", 200.0)
    return tmp_path


@pytest.fixture
def beside(worker: Running, machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell on the worker's machine: the same address, and the development token that it kept."""
    monkeypatch.setenv("PARLEY_PUBLIC_URL", worker.phone.public_url)
    (machine / "state").mkdir()
    (machine / "state" / "dev-token").write_text(worker.phone.auth_token)
    return machine


def test_a_development_worker_is_well(run: Run, beside: Path, redis_url: str) -> None:
    ran = run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert [" ".join(line.split()[:2]) for line in ran.out.splitlines()] == LINES
    assert "this is how parley serve --dev takes calls; for calls from Twilio set it" in ran.out
    assert ask(redis_url, "KEYS", f"{PREFIX}*call:*") == b"*0"


def test_json_is_all_that_is_printed(
    run: Run, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (beside / "loud.py").write_text("print('imported')\ndef reply(call, turn): return ''\n")
    monkeypatch.setenv("PARLEY_DIALOG", "loud:reply")
    ran = run("doctor", "--json")
    assert (ran.code, ran.err) == (0, "imported\n")
    report = orjson.loads(ran.out)
    assert report["ok"] is True
    assert [f"{one['level']} {one['check']}" for one in report["findings"]] == LINES
    assert report["findings"][7]["text"] == "loud:reply is loaded"
    assert all(bool(one["remedy"]) is (one["level"] != "ok") for one in report["findings"])


def test_another_token_than_the_workers(
    run: Run, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "s3cret")
    ran = run("doctor")
    assert ran.code == 1
    failures = [line.split()[1] for line in ran.out.splitlines() if line.startswith("failure")]
    assert failures == ["webhook", "stream"]
    assert "s3cret" not in ran.out


def test_no_token_at_all(run: Run, beside: Path) -> None:
    (beside / "state" / "dev-token").unlink()
    ran = run("doctor")
    assert ran.code == 1
    assert "there is no auth token" in ran.out.splitlines()[0]
    assert "webhook" not in [line.split()[1] for line in ran.out.splitlines()]


def test_wrong_settings_are_all_that_is_told(
    run: Run, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_PORT", "x")
    monkeypatch.setenv("REDIS_URL", "http://s3cret")
    ran = run("doctor", "--json")
    assert (ran.code, ran.err) == (1, "")
    report = orjson.loads(ran.out)
    assert report["ok"] is False
    assert [one["text"].partition(":")[0] for one in report["findings"]] == [
        "PARLEY_PORT",
        "REDIS_URL",
    ]
    assert all(one["remedy"].startswith("it may hold") for one in report["findings"])
    assert "s3cret" not in ran.out


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--fix", "555-1234"], "'555-1234' is no phone number; write it as +15551234567"),
        (["--fix", "+15551234567"], "--fix needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
    ],
)
def test_what_cannot_be_fixed(run: Run, machine: Path, args: list[str], line: str) -> None:
    ran = run("doctor", *args)
    assert (ran.code, ran.out) == (2, "")
    assert line in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("days", [-1, 90])
async def test_an_address_with_tls(
    settings: Callable[..., Settings],
    found: Findings,
    authority: trustme.CA,
    redis_url: str,
    days: int,
) -> None:
    now = datetime.now(UTC)
    certificate = authority.issue_cert(
        "localhost", not_before=now - timedelta(days=9), not_after=now + timedelta(days=days)
    )
    site = Site()
    async with (
        serving(site) as url,
        tls_proxy(server_context(certificate), int(url.rpartition(":")[2])) as port,
    ):
        public_url = f"https://localhost:{port}"
        site.address = type(site.address)(public_url)
        own = settings(
            public_url=public_url,
            api_key="the-key-of-the-API",
            redis_url=f"{redis_url}?password=unused",
        )
        await examine(own, (), found.append)
    told = [(one.check, one.level) for one in found if one.check in {"tls", "webhook", "stream"}]
    if days > 0:
        assert told == [("tls", Level.OK), ("webhook", Level.OK), ("stream", Level.OK)]
    else:
        assert told == [("tls", Level.FAILURE)]
    assert found.lines[0] == f"ok settings: read, with an auth token, for {public_url}"
    assert TOKEN not in "".join(found.lines)


async def test_an_address_without_a_name(
    settings: Callable[..., Settings], found: Findings, redis_url: str
) -> None:
    own = settings(public_url="https://nowhere.invalid", redis_url=redis_url)
    await examine(own, (), found.append)
    assert [one.check for one in found if one.level is Level.FAILURE] == ["address"]
    assert "tls" not in {one.check for one in found}


HUSHED = ("key-3", "word-4", "key-5")


async def test_no_secret_is_told_even_by_an_error(
    settings: Callable[..., Settings], found: Findings, tmp_path: Path
) -> None:
    secrets = {"twilio_auth_token": "token-1", "twilio_auth_token_secondary": "token-2"}
    hearing = OracleHearing(computed_script(["Hello."]))
    async with SonioxStandIn(hearing, api_key="another", wrong_key="message") as vendor:
        own = settings(
            **secrets,
            api_key="key-3",
            soniox_api_key="key-5",
            soniox_stt_url=vendor.stt_url,
            soniox_tts_url=vendor.tts_url,
            redis_url="redis://user:word-4@127.0.0.1:1",
            dialog="token-1:token-2",
            voice="key-5",
            recordings=tmp_path / "key-3",
            state_dir=tmp_path / "word-4",
        )
        await examine(own, (), found.append)
    told = "".join(one.text + one.remedy for one in found)
    assert "dialog '…:…'" in told
    assert "SONIOX_API_KEY" in told
    assert not [secret for secret in (*secrets.values(), *HUSHED) if secret in told]
