from __future__ import annotations

import sys
from pathlib import Path

import orjson
import pytest

from bot.api.keys.secret import is_key
from tests.bot.commands import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def deployment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    """A directory with nothing in it, and a Redis."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PARLEY_REDIS_PREFIX", redis_prefix)


def test_a_key_from_its_making_to_its_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run("keys", "create", "shop", "--scope", "token", "--origin", "https://shop.example",
               "--per-minute", "none", "--audio-per-day", "3600")  # fmt: skip
    text = made.out.strip()
    assert (made.code, made.err, is_key(text)) == (0, "", True)
    key_id = text.split("_")[1]
    (listed,) = orjson.loads(run("keys", "list", "--json").out)["keys"]
    assert (listed["id"], listed["scopes"]) == (key_id, ["token"])
    assert (listed["per_minute"], listed["sessions"], listed["audio_s_per_day"]) == (None, 20, 3600)
    shown = run("keys", "list").out
    for part in ("shop", "no limit", "0 of 20", "0 s of 3600", "https://shop.example", "never"):
        assert part in shown
    assert text.split("_", 2)[2] not in shown
    assert run("keys", "revoke", text).out == f"revoked {key_id}\n"
    assert run("keys", "revoke", key_id).code == 0
    assert "revoked" in run("keys", "list").out


def test_on_a_terminal_it_says_that_a_key_is_shown_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.api.keys.command.is_terminal", lambda stream: stream is sys.stdout)
    made = run("keys", "create", "shop")
    assert "it is not shown again; its id is " in made.err


def test_a_key_as_json(run: Run) -> None:
    made = orjson.loads(run("keys", "create", "shop", "--json").out)
    assert is_key(made["key"])
    assert made["scopes"] == ["stt"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("create", "shop", "--sessions", "0"), "sessions: it may hold sessions open at once"),
        (("create", "shop", "--sessions", "many"), "'many' is neither a number nor none"),
        (("create", "shop", "--origin", "*"), "origins: it may hold up to 50 web pages' origins"),
        (("revoke", "shop"), "that is no key's id; see parley keys list"),
    ],
)
def test_bad_usage_is_told_in_one_line(run: Run, args: tuple[str, ...], said: str) -> None:
    ran = run("keys", *args)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def test_there_is_no_such_key(run: Run) -> None:
    ran = run("keys", "revoke", "0" * 12)
    assert (ran.code, ran.err) == (
        1,
        "parley: there is no key 000000000000; see parley keys list\n",
    )


def test_there_are_enough_keys(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.api.keys.store.MOST_KEYS", 0)
    ran = run("keys", "create", "shop")
    assert (ran.code, "revoke some" in ran.err) == (1, True)


def test_redis_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "unix:///nonexistent/redis.sock")
    ran = run("keys", "list")
    assert (ran.code, "/nonexistent/redis.sock does not answer" in ran.err) == (1, True)


def test_nothing_is_kept_yet(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path))
    ran = run("keys", "list", "--json")
    assert (ran.code, orjson.loads(ran.out)) == (0, {"keys": []})
    assert "parley keys: there are no keys: nothing is kept in" in ran.err
    assert run("keys", "revoke", "0" * 12).code == 1
