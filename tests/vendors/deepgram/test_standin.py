"""Who may come in, and what is answered to requests."""

from __future__ import annotations

import io

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from media.audio import PCM16_16K, bytes_to_pcm
from media.files import write_wav
from tests.vendors.__main__ import main
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import talking

from .limits import Limits
from .standin import DeepgramStandIn
from .talk import AURA, FLUX, KEY, NOVA, connected

DOORS = [("/v1/listen", NOVA), ("/v2/listen", FLUX), ("/v1/speak", AURA)]


@pytest.mark.parametrize(("path", "query"), DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Token another"},
        # Only short-lived tokens are shown so.
        {"Authorization": "Bearer stand-in-key"},
    ],
)
async def test_who_has_no_key_stays_outside(
    standin: DeepgramStandIn, path: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connected(standin, path, query, headers=headers):
            pass
    response = refused.value.response
    assert response.status_code == 401
    assert response.headers["dg-error"] == "INVALID_AUTH: Invalid credentials."
    assert response.body is not None
    assert b"INVALID_AUTH" in response.body


async def test_a_browser_shows_its_key_as_a_protocol(standin: DeepgramStandIn) -> None:
    protocols = [Subprotocol("token"), Subprotocol("stand-in-key")]
    url = f"{standin.ws_url}/v2/listen?model=flux-general-en"
    async with talking(url, headers={}, subprotocols=protocols) as talk:
        assert (await talk.hear())["type"] == "Connected"


async def test_only_so_many_streams_are_open_at_once(script: Script) -> None:
    limits = Limits(stt_at_once=2, tts_at_once=1)
    async with (
        DeepgramStandIn(OracleHearing(script), limits=limits) as standin,
        connected(standin, *DOORS[0]),
        connected(standin, *DOORS[1]),
        connected(standin, *DOORS[2]),
    ):
        for path, query in DOORS:
            with pytest.raises(InvalidStatus) as refused:
                async with connected(standin, path, query):
                    pass
            assert refused.value.response.status_code == 429


@pytest.mark.parametrize(("kind", "status"), [("quota", 402), ("limited", 429), ("busy", 503)])
async def test_a_refusal_on_command(script: Script, kind: str, status: int) -> None:
    faults = {"stt": [Fault(kind, retry_after_s=7)]}  # type: ignore[arg-type]
    async with DeepgramStandIn(OracleHearing(script), faults=faults) as standin:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(standin, *DOORS[0]):
                pass
    assert refused.value.response.status_code == status
    assert refused.value.response.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_recordings(standin: DeepgramStandIn, script: Script) -> None:
    wav = io.BytesIO()
    write_wav(wav, bytes_to_pcm(script.audio_in(PCM16_16K)), 16_000)
    raw = {"encoding": "mulaw", "sample_rate": "8000"}
    async with httpx.AsyncClient(base_url=standin.base_url, headers=KEY, verify=False) as http:
        for content, params, status, text in [
            (script.audio, raw, 200, script.text),
            (wav.getvalue(), {}, 200, script.text),
            # What is said of it is wrong.
            (script.audio, {**raw, "encoding": "alaw"}, 200, ""),
            (script.audio, {**raw, "sample_rate": "16000"}, 200, ""),
            (wav.getvalue(), raw, 200, ""),
            (script.audio, {}, 400, None),
            (b"", raw, 400, None),
            (script.audio, {**raw, "encoding": "opus"}, 400, None),
            (script.audio, {**raw, "interim_results": "true"}, 400, None),
        ]:
            query = {"model": "nova-3", "smart_format": "true", **params}
            answer = await http.post("/v1/listen", params=query, content=content)
            assert answer.status_code == status
            if text is not None:
                (channel,) = answer.json()["results"]["channels"]
                assert channel["alternatives"][0]["transcript"] == text
        found = await http.post(
            "/v1/listen",
            params={"model": "nova-3", "detect_language": "true", **raw},
            content=b"\xff",
        )
        assert found.json()["results"]["channels"][0]["detected_language"] == "en"
        url = await http.post("/v1/listen", params={"model": "nova-3"}, json={"url": "http://x"})
        assert url.status_code == 400


async def test_what_else_can_be_asked(standin: DeepgramStandIn) -> None:
    async with httpx.AsyncClient(base_url=standin.base_url, headers=KEY, verify=False) as http:
        assert (await http.get("/v1/models")).json().keys() == {"stt", "tts"}
        assert (await http.get("/v1/auth/token")).status_code == 200
        assert (await http.get("/v1/nothing")).status_code == 404
        wrong = await http.get("/v1/auth/token", headers={"Authorization": "Token x"})
        assert wrong.status_code == 401


def test_a_shell_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    with pytest.raises(SystemExit):
        main(["deepgram"])
    assert "set DEEPGRAM_API_KEY" in capsys.readouterr().err
