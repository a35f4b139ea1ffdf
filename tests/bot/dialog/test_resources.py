from __future__ import annotations

import pytest

from bot.dialog.resources import Resources
from bot.metrics import Metrics
from bot.settings import Settings

ENV = {"TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef", "HOME": "/nowhere"}


def settings(**env: str) -> Settings:
    return Settings.load(env={**ENV, **env})


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody's .env."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))


def test_what_the_settings_say() -> None:
    resources = Resources.of(
        settings(
            OPENAI_API_KEY="sk-hush",
            OPENAI_BASE_URL="https://api.example.com/v1",
            PARLEY_HTTP_SECRET="hush-hush",
            PARLEY_HOOK_TIMEOUT_S="7",
        )
    )
    assert resources.openai["api_key"] == "sk-hush"
    assert resources.openai["base_url"] == "https://api.example.com/v1"
    assert (resources.http_secret, resources.hook_timeout_s) == ("hush-hush", 7)
    assert "hush" not in repr(resources)


def test_what_is_not_set_is_not_there() -> None:
    resources = Resources.of(settings())
    assert "api_key" not in resources.openai
    assert resources.http_secret is None
    resources.meter("model", 1, 2)


async def test_what_was_opened_last_is_closed_first() -> None:
    closed: list[str] = []

    async def first() -> None:
        closed.append("first")

    async def last() -> None:
        closed.append("last")

    resources = Resources()
    resources.at_end(first)
    resources.at_end(last)
    await resources.aclose()
    await resources.aclose()
    assert closed == ["last", "first"]


def test_tokens_are_counted_by_model_and_kind() -> None:
    metrics = Metrics()
    resources = Resources.of(settings(), metrics.count_tokens)
    resources.meter("small", 10, 2)
    resources.meter("small", 5, 1)
    counted = {
        kind: metrics.registry.get_sample_value(
            "parley_chat_tokens_total", {"model": "small", "kind": kind}
        )
        for kind in ("prompt", "completion")
    }
    assert counted == {"prompt": 15, "completion": 3}
