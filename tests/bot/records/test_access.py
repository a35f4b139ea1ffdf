"""Which Redis a command finds, and what it says when there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from bot.records.access import NothingKept, open_store, redis_name
from bot.redis_server import private_redis, wait_until_stopped
from bot.settings import Settings
from bot.store import Store
from tests.bot.commands import Run
from tests.bot.redis_process import gone, server_pid

from .conftest import ended_call, sid_of


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings.model_validate(
        {"public_url": "http://127.0.0.1:8080", "state_dir": tmp_path / "state", **more}
    )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without REDIS_URL: its state directory, which is not there yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


async def keep(url: str) -> None:
    store = Store(url, deadline_s=10)
    await store.commit(ended_call(1, 1_800_000_000_000))
    await store.aclose()


def test_the_private_redis_is_started_on_what_it_has_kept(run: Run, machine: Path) -> None:
    async def before() -> None:
        async with private_redis(machine) as url:
            await keep(url)
            pid = server_pid(url)
        await gone(pid)

    asyncio.run(before())
    ran = run("calls", "list", "--json")
    assert [call["sid"] for call in orjson.loads(ran.out)["calls"]] == [sid_of(1)]
    assert asyncio.run(wait_until_stopped(machine, 10))


async def test_the_private_redis_that_runs_is_shared(tmp_path: Path) -> None:
    async with private_redis(tmp_path / "state") as url:
        pid = server_pid(url)
        await keep(url)
        async with open_store(settings(tmp_path)) as store:
            assert await store.load(sid_of(1)) is not None
        assert server_pid(url) == pid


async def test_nothing_is_started_where_nothing_was_kept(tmp_path: Path) -> None:
    with pytest.raises(NothingKept, match="set REDIS_URL, or PARLEY_STATE_DIR"):
        async with open_store(settings(tmp_path)):
            pass
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_a_redis_of_version_7_keeps_a_folder(tmp_path: Path) -> None:
    (tmp_path / "state" / "redis" / "appendonlydir").mkdir(parents=True)
    async with open_store(settings(tmp_path)) as store:
        assert await store.list_calls() == []


def test_a_list_of_nothing_is_no_failure(run: Run, machine: Path) -> None:
    listed = run("calls", "list", "--json")
    assert (listed.code, orjson.loads(listed.out)) == (0, {"calls": []})
    shown = run("calls", "show", sid_of(1))
    assert (shown.code, shown.out) == (1, "")
    for ran in (listed, shown):
        assert f"there are no calls: nothing is kept in {machine}" in ran.err
    assert run("calls", "list").code == 0


def test_a_redis_that_is_away(run: Run, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://user:secret@127.0.0.1:1/0")
    for args in (["list"], ["show", sid_of(1)], ["delete", sid_of(1), "--yes"]):
        ran = run("calls", *args)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            "parley: the Redis at 127.0.0.1:1 does not answer (Redis: ConnectionError); "
            "is it running?\n"
        )


def test_a_private_redis_that_cannot_start(run: Run, machine: Path) -> None:
    (machine / "redis").mkdir(parents=True)
    (machine / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file")
    ran = run("calls", "list")
    assert ran.code == 1
    assert "redis-server does not start" in ran.err


def test_a_wrong_setting(run: Run, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "http://secret")
    ran = run("calls", "list")
    assert ran.code == 2
    assert ran.err.startswith("parley calls list: REDIS_URL: held a secret")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://:pw@host.example", "the Redis at host.example:6379"),
        ("rediss://u:pw@[::1]:7000/2", "the Redis at [::1]:7000"),
        ("unix:///run/redis.sock?password=pw", "the Redis at /run/redis.sock"),
    ],
)
def test_a_redis_is_named_without_its_password(tmp_path: Path, url: str, name: str) -> None:
    assert redis_name(settings(tmp_path, redis_url=url)) == name


def test_the_private_one_is_named_by_its_place(tmp_path: Path) -> None:
    assert redis_name(settings(tmp_path)) == f"the private Redis in {tmp_path / 'state'}"
