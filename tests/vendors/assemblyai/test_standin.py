"""The stand-in for AssemblyAI is as strict as AssemblyAI, where its SDK is not rude enough."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import talking

from .limits import Limits
from .standin import AssemblyAiStandIn

KEY = {"Authorization": "stand-in-key"}
QUERY = {"sample_rate": "8000", "encoding": "pcm_mulaw"}


def address(standin: AssemblyAiStandIn, **query: str) -> str:
    return f"{standin.ws_url}/v3/ws?{urlencode({**QUERY, **query})}"


async def status_of(standin: AssemblyAiStandIn, headers: Mapping[str, str], **query: str) -> int:
    """With which a handshake is refused; 101 if it is not."""
    try:
        async with talking(address(standin, **query), headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("message", ["nonsense", "[]", '{"type":"Finalize"}', '{"type":7}'])
async def test_what_is_no_message_ends_the_session(
    standin: AssemblyAiStandIn, message: str
) -> None:
    async with talking(address(standin), message, headers=KEY) as talk:
        *_, error = await talk.rest()
        assert (error["type"], error["error_code"], talk.close_code) == ("Error", 3006, 3006)


async def test_settings_may_be_changed(standin: AssemblyAiStandIn, script: Script) -> None:
    update = {"type": "UpdateConfiguration", "format_turns": True}
    pieces = [script.audio[at : at + 400] for at in range(0, 8_000, 400)]
    async with talking(address(standin), update, *pieces, headers=KEY) as talk:
        await talk.say({"type": "Terminate"})
        messages = await talk.rest()
        assert talk.close_code == 1000
    assert [message["type"] for message in messages] == ["Begin", "Termination"]


async def test_who_may_come_in(standin: AssemblyAiStandIn, script: Script) -> None:
    assert await status_of(standin, KEY) == 101
    assert await status_of(standin, {}) == 401
    assert await status_of(standin, {"Authorization": "Bearer stand-in-key"}) == 401
    assert await status_of(standin, KEY, interim_results="true") == 400
    assert await status_of(standin, KEY, sample_rate="") == 400
    assert await status_of(standin, KEY, keyterms_prompt="no JSON") == 400
    async with AssemblyAiStandIn(OracleHearing(script), limits=Limits(at_once=0)) as full:
        assert await status_of(full, KEY) == 429


async def test_a_token_is_for_one_session(standin: AssemblyAiStandIn) -> None:
    async with httpx.AsyncClient(base_url=standin.base_url, headers=KEY, verify=False) as http:
        refused = await http.get("/v3/token", params={"expires_in_seconds": 0})
        assert refused.status_code == 400
        token = (await http.get("/v3/token", params={"expires_in_seconds": 60})).json()["token"]
    assert await status_of(standin, {}, token=token) == 101
    assert await status_of(standin, {}, token=token) == 401
