"""Calls by settings alone: a worker process, the phone, and a model and a server to be asked."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import bot.demo
from bot.dialog.http.example import app
from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import load_clip
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Wait, WaitForBot
from tests.bot.running import running_worker
from tests.serving import serving_app
from tests.vendors.openai.chat import KEY, MODEL, Answer, ChatStandIn, serving
from tests.vendors.openai.chat_stream import Called

from .chat import talks
from .chat.talks import toml

pytestmark = pytest.mark.real_time

SECRET = "hush-hush-hush"
CHAT, HTTP = "+15550100011", "+15550100012"
FOLDER = Path(bot.demo.__file__).parent
FRIDAY, TEN = load_clip(FOLDER / "friday.ulaw"), load_clip(FOLDER / "ten.ulaw")
ANSWER = "All right, it is noted."


def settings(folder: Path, model_url: str, server_url: str) -> dict[str, str]:
    """Two numbers: a model answers one, a server the other."""
    tools = [f"{talks.__name__}:book", f"{talks.__name__}:slow"]
    keys = {"prompt": "Be brief.", "model": MODEL, "tools": tools, "tool_timeout_s": 9.0}
    chat = folder / "chat.toml"
    chat.write_text(toml(keys), "utf-8")
    config = folder / "parley.toml"
    numbers = {CHAT: f"chat:{chat}", HTTP: f"http:{server_url}/"}
    tables = (f'[numbers."{number}"]\ndialog = "{name}"\n' for number, name in numbers.items())
    config.write_text("".join(tables), "utf-8")
    return {
        "PARLEY_CONFIG": str(config),
        # OpenAI is there for its models alone.
        "PARLEY_STT_PROVIDER": "pocketsphinx",
        "PARLEY_TTS_PROVIDER": "espeak",
        "PARLEY_VAD": "energy",
        "PARLEY_POCKETSPHINX_PROCESSES": "2",
        "PARLEY_HTTP_SECRET": SECRET,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model_url,
    }


async def call(phone: PhoneConfig, number: str, *steps: Any) -> CallResult:
    to = PhoneConfig(phone.public_url, phone.auth_token, to_number=number, max_call_s=40)
    result = await place_call(to, steps)
    assert result.faults == ()
    return result


def record_of(result: CallResult) -> dict[str, Any]:
    assert result.record is not None
    return dict(result.record)


async def test_a_model_and_a_server_answer_calls(
    tmp_path: Path, redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_HTTP_SECRET", SECRET)
    redis = {"REDIS_URL": redis_url, "PARLEY_REDIS_PREFIX": redis_prefix}
    model = ChatStandIn()
    model.answers += [
        Answer((), [Called("book", '{"day": "friday"}'), Called("slow")]),
        Answer((ANSWER,), [Called("hang_up", "{}")]),
    ]
    async with (
        serving(model) as model_url,
        serving_app(app) as server,
        running_worker(**settings(tmp_path, model_url, server.url), **redis) as worker,
    ):
        # The second words come while tools run for the first.
        chatted, asked = await asyncio.gather(
            call(worker.phone, CHAT, Play(FRIDAY), Wait(1200), Play(TEN), WaitForBot(), HangUp()),
            call(worker.phone, HTTP, WaitForBot(), Play(FRIDAY), WaitForBot(), HangUp()),
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{worker.phone.public_url}/metrics")).text
        log = worker.log.read_text("utf-8")

    record = record_of(chatted)
    assert record["ended"] == {"by": "bot", "reason": "chat"}
    (turn, answer) = record["history"]
    assert (answer["text"], answer["heard"]) == (ANSWER, ANSWER)
    # One turn of both; what was done for its beginning is in the state, and the model knows.
    assert record["state"]["booked"] == "friday"
    told = model.requests[-1].messages[1:]
    roles = [message["role"] for message in told]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "user"]
    assert told[-1]["content"] == turn["text"]
    assert turn["text"].startswith(f"{told[0]['content']} ")
    assert [message["content"][:10] for message in told[2:4]] == ["booked for", "error: the"]
    assert model.refused == []

    tokens = record["state"]["chat"]["tokens"][MODEL]
    for kind, count in tokens.items():
        labels = re.escape(f'{{kind="{kind}",model="{MODEL}"}}')
        (counted,) = re.findall(rf"^parley_chat_tokens_total{labels} (.*)$", metrics, re.MULTILINE)
        assert float(counted) == count > 0

    said = [entry["text"] for entry in record_of(asked)["history"]]
    assert said == ["Hello. What can I do for you?", "on friday", "You said on friday."]
    secrets = [KEY, SECRET, ANSWER, "friday", "What can I do"]
    assert [secret for secret in secrets if secret in log] == []
    assert not [line for line in map(json.loads, log.splitlines()) if line["level"] == "error"]
