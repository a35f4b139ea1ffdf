"""Who may use the service, on a real Redis."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from bot.api.keys.secret import written_key, written_token
from bot.api.keys.store import KeyStore
from bot.api.keys.types import Scope
from bot.api.stt import access as module
from bot.api.stt.access import MASTER as BY_MASTER
from bot.api.stt.access import OPEN
from bot.api.stt.faults import Fault
from tests.background import running, until

from .asking import LOCAL, MASTER, access_of, asking, made, refusing

UNKNOWN = written_key("0" * 12, bytes(32))
PAGE = "https://shop.example"


async def test_a_key_lets_in_to_what_it_is_for(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys, scopes=["stt", "stats"], sessions=3)
    principal = await access.admit(asking(new.text), "stt")
    assert (principal.key_id, principal.limits) == (new.key.id, new.key.limits)
    assert await access.admit(asking(new.text), "stats") == principal
    with refusing("forbidden", "this needs a key for token; what was sent is for stats and stt"):
        await access.admit(asking(new.text), "token")


async def test_a_key_may_come_in_other_headers(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys)
    key = new.text
    for asked in (
        asking(x_api_key=key),
        asking(authorization=f"bearer  {key} "),
        asking(protocols=("parley.stt.v1", f"parley.auth.{key}")),
    ):
        assert (await access.admit(asked, "stt")).key_id == new.key.id


def test_the_subprotocol_with_the_key_is_never_answered(keys: KeyStore) -> None:
    access = access_of(keys)
    for protocols in (("parley.auth.x", "parley.stt.v1"), ("y", "parley.stt.v1")):
        assert access.subprotocol(asking(protocols=protocols)) == "parley.stt.v1"
    for other in ("parley.auth.x", "y"):
        assert access.subprotocol(asking(protocols=(other,))) is None
    assert access.subprotocol(asking()) is None


@pytest.mark.parametrize(
    "key", ["", "x", "Bearer", UNKNOWN, UNKNOWN[:-1], written_token(bytes(32)), "\xe9\x00", MASTER]
)
async def test_a_wrong_key_is_refused(keys: KeyStore, key: str) -> None:
    access = access_of(keys, api_key="another")
    with structlog.testing.capture_logs() as logs, refusing("unauthorized") as raised:
        await access.admit(asking(key), "stt")
    if len(key) > 2:
        assert key not in str(logs) + str(raised.value) + str(raised.value.values(0))


async def test_no_key_is_told_where_it_goes(keys: KeyStore) -> None:
    access = access_of(keys, api_key=MASTER)
    for asked in (asking(), asking(authorization=f"Basic {MASTER}"), asking(protocols=("x",))):
        with refusing("unauthorized", "send a key or token") as raised:
            await access.admit(asked, "stt")
        assert "Authorization: Bearer <key>" in raised.value.allowed


async def test_the_workers_own_key_has_no_limits(keys: KeyStore) -> None:
    access = access_of(keys, api_key=MASTER)
    scopes: tuple[Scope, ...] = ("stt", "stats", "token")
    for scope in scopes:
        assert await access.admit(asking(MASTER), scope) == BY_MASTER
    await access.open_session(BY_MASTER, "s")
    access.used(BY_MASTER, "s", 1e12)
    assert access.why_end(BY_MASTER) is None
    await access.close_session(BY_MASTER, "s")


async def test_the_service_is_closed_until_there_is_a_key(keys: KeyStore) -> None:
    access = access_of(keys)
    await access.exchange()
    for asked in (asking(), asking("x")):
        with refusing("forbidden", "make a key with `parley keys create NAME`, or set PARLEY_API"):
            await access.admit(asked, "stt")
    await made(keys)
    await access.exchange()
    with refusing("unauthorized"):
        await access.admit(asking(), "stt")


async def test_a_development_worker_with_a_tunnel_is_closed(keys: KeyStore) -> None:
    access = access_of(keys, dev=True)
    await access.exchange()
    with refusing("forbidden", "the service is closed"):
        await access.admit(asking(), "stt")


async def test_this_machines_programs_need_no_key(keys: KeyStore) -> None:
    access = access_of(keys, **LOCAL, stt_origins=PAGE)
    here = "127.0.0.1:8080"
    for asked in (
        asking(host=here),
        asking("x", host=here),
        asking(host="localhost:8080", origin="http://localhost:8080"),
        asking(origin=PAGE, host=here),
        asking(protocols=("parley.stt.v1",), host=here),
    ):
        assert await access.admit(asked, "token") == OPEN
    for asked in (
        asking(host="evil.example"),
        asking(host="evil.example:8080", origin="http://evil.example:8080"),
        asking(origin="https://evil.example", host=here),
        asking(origin="null", host=here),
        asking(origin="http://127.0.0.1:3000", host=here),
    ):
        with refusing("origin_refused", "PARLEY_STT_ORIGINS"):
            await access.admit(asked, "stt")


async def test_on_this_machine_a_key_counts_all_the_same(keys: KeyStore) -> None:
    access, new = access_of(keys, **LOCAL), await made(keys)
    assert (await access.admit(asking(new.text, host="127.0.0.1"), "stt")).key_id == new.key.id
    with refusing("unauthorized"):
        await access.admit(asking(UNKNOWN, host="127.0.0.1"), "stt")


async def test_pages_may_where_they_are_listed(keys: KeyStore) -> None:
    access = access_of(keys, stt_origins=PAGE, api_key=MASTER)
    new = await made(keys, origins=["https://other.example"])
    plain = await made(keys)
    for origin, key in (
        (PAGE, new.text),
        (PAGE, MASTER),
        ("https://other.example", new.text),
        ("https://bot.example.com", plain.text),
    ):
        await access.admit(asking(key, origin=origin), "stt")
    for origin, key in (
        ("https://other.example", plain.text),
        ("https://other.example", MASTER),
        ("https://evil.example", new.text),
        ("http://shop.example", new.text),
        (f"{PAGE}.evil.example", new.text),
        ("null", new.text),
        ("", new.text),
    ):
        with refusing("origin_refused", "add it to PARLEY_STT_ORIGINS, or to a key"):
            await access.admit(asking(key, origin=origin), "stt")


async def test_a_token_opens_sessions_and_does_nothing_else(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys, scopes=["stt", "stats", "token"])
    owner = await access.admit(asking(new.text), "token")
    token = await access.mint(owner, 60, None)
    principal = await access.admit(asking(token), "stt")
    assert (principal.key_id, principal.limits) == (new.key.id, new.key.limits)
    assert principal.scopes == {"stt"}
    others: tuple[Scope, ...] = ("stats", "token")
    for scope in others:
        with refusing("forbidden"):
            await access.admit(asking(token), scope)
    await keys.revoke(new.key.id)
    with refusing("unauthorized"):
        await access.admit(asking(token), "stt")


async def test_a_token_may_be_for_pages_of_one_origin(keys: KeyStore) -> None:
    access = access_of(keys, stt_origins="https://other.example")
    new = await made(keys, scopes=["token"], origins=[PAGE])
    owner = await access.admit(asking(new.text), "token")
    token = await access.mint(owner, 60, PAGE)
    await access.admit(asking(token, origin=PAGE), "stt")
    for origin in (None, "https://other.example"):
        with refusing("origin_refused", f"the token is for pages of {PAGE}"):
            await access.admit(asking(token, origin=origin), "stt")


async def test_a_token_of_the_workers_own_key_or_of_none_goes_with_it(keys: KeyStore) -> None:
    local, master = access_of(keys, **LOCAL), access_of(keys, api_key=MASTER)
    by_master = await master.mint(BY_MASTER, 60, None)
    by_nobody = await local.mint(OPEN, 60, None)
    assert (await master.admit(asking(by_master), "stt")).key_id == "master"
    assert (await local.admit(asking(by_nobody, host="localhost"), "stt")).key_id == ""
    with refusing("unauthorized"):
        await master.admit(asking(by_nobody), "stt")
    with refusing("unauthorized"):
        await local.admit(asking(by_master, host="localhost"), "stt")


async def test_too_many_requests_are_told_when_to_come_again(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys, per_minute=2)
    await access.admit(asking(new.text), "stt")
    await access.admit(asking(new.text), "stt")
    with refusing("rate_limited", "the key allows 2 requests per minute") as raised:
        await access.admit(asking(new.text), "stt")
    assert raised.value.status == 429
    assert raised.value.allowed == {"per_minute": 2}
    assert raised.value.retry_after_s in {29.0, 30.0}


async def test_a_flood_of_unknown_keys(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.api.keys.verifier.QUESTIONS_PER_S", 0.25)
    access = access_of(keys)
    with refusing("rate_limited", "too many unknown keys") as raised:
        await access.admit(asking(UNKNOWN), "stt")
    assert raised.value.retry_after_s == 2.0


async def test_so_many_sessions_may_be_open(keys: KeyStore) -> None:
    a, b = access_of(keys, worker="a"), access_of(keys, worker="b")
    new = await made(keys, sessions=1)
    principal = await a.admit(asking(new.text), "stt")
    await a.open_session(principal, "1")
    with refusing("too_many_sessions", "the key allows 1 sessions at once") as raised:
        await b.open_session(principal, "2")
    assert (raised.value.status, raised.value.allowed) == (429, {"sessions": 1})
    await a.close_session(principal, "1")
    await b.open_session(principal, "2")


async def test_audio_is_used_up(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys, audio_s_per_day=10)
    principal = await access.admit(asking(new.text), "stt")
    await access.open_session(principal, "1")
    access.used(principal, "1", 9999.9)
    assert access.why_end(principal) is None
    access.used(principal, "1", 10_000.0)
    await access.exchange()
    ended = access.why_end(principal)
    assert ended is not None
    with refusing("quota_used_up", "10 seconds of audio a day (UTC), and they are used up") as told:
        await access.open_session(principal, "2")
    assert told.value.values(0) | {"retry_after_s": 0} == ended.values(0) | {"retry_after_s": 0}
    for fault in (told.value, ended):
        assert fault.retry_after_s is not None
        assert 1 <= fault.retry_after_s <= 86_400


async def test_sessions_of_a_revoked_key_end(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys)
    principal = await access.admit(asking(new.text), "stt")
    await access.open_session(principal, "1")
    await access.exchange()
    assert access.why_end(principal) is None
    await keys.revoke(new.key.id)
    await access.exchange()
    fault = access.why_end(principal)
    assert fault is not None
    assert (fault.code, fault.text) == ("unauthorized", "the key was revoked")
    with refusing("unauthorized", "the key was revoked"):
        await access.open_session(principal, "2")


async def test_a_worker_learns_of_revoked_keys_and_new_origins_by_itself(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.001)
    access = access_of(keys)
    async with running(access.run()):
        new = await made(keys, origins=[PAGE])
        await until(lambda: PAGE in access.origins)
        principal = await access.admit(asking(new.text), "stt")
        await access.open_session(principal, "1")
        await keys.revoke(new.key.id)
        await until(lambda: access.why_end(principal) is not None)
        await until(lambda: PAGE not in access.origins)


async def test_redis_is_away(keys: KeyStore) -> None:
    nowhere = KeyStore("unix:///nonexistent/redis.sock")
    access = access_of(nowhere, api_key=MASTER)
    await access.exchange()
    for key in (UNKNOWN, written_token(bytes(32))):
        with refusing("store_away", "keys cannot be looked up for now") as raised:
            await access.admit(asking(key), "stt")
        assert raised.value.retry_after_s == 1.0
    assert await access.admit(asking(MASTER), "token") == BY_MASTER
    with refusing("store_away"):
        await access.mint(BY_MASTER, 60, None)
    with refusing("unauthorized"):
        await access.admit(asking("x"), "stt")
    await nowhere.aclose()


async def test_many_come_at_once(keys: KeyStore) -> None:
    access, new = access_of(keys), await made(keys, sessions=5)

    async def come(number: int) -> bool:
        principal = await access.admit(asking(new.text), "stt")
        try:
            await access.open_session(principal, str(number))
        except Fault:
            return False
        return True

    assert (await asyncio.gather(*map(come, range(50)))).count(True) == 5
