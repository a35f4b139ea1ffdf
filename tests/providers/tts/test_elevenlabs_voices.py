from __future__ import annotations

import orjson
import pytest

from providers.elevenlabs import ElevenLabsAccount
from providers.errors import InvalidResponseError
from providers.tts.elevenlabs_voices import ElevenLabsVoices
from providers.types import Voice

PAGES = ElevenLabsVoices("elevenlabs-http", ElevenLabsAccount(api_key="the-key"))


def test_requests() -> None:
    first, next_one = PAGES.request(None), PAGES.request("t1")
    assert (first.method, first.headers) == ("GET", {"xi-api-key": "the-key"})
    address = "https://api.elevenlabs.io/v2/voices?page_size=100&include_total_count=false"
    assert (first.url, next_one.url) == (address, f"{address}&next_page_token=t1")


def test_a_page() -> None:
    labels = {
        "accent": "british",
        "age": "middle_aged",
        "gender": "male",
        "use_case": "narrative_story",
        "language": "en",
    }
    listed = [
        {"voice_id": "v1", "name": "George", "labels": labels, "description": "Warm."},
        {"voice_id": "v2", "labels": {"description": "calm"}},
        {
            "voice_id": "v3",
            "name": "Mia",
            "labels": {"language": "en"},
            "verified_languages": [{"language": "en"}, {"language": "de"}],
        },
    ]
    body = {"voices": listed, "has_more": True, "total_count": 0, "next_page_token": "t1"}
    voices, token = PAGES.read(orjson.dumps(body))
    provider = "elevenlabs-http"
    assert voices == [
        Voice(
            *("v1", "George", "en", "male", "Warm.", "middle_aged", "british"),
            ("narrative_story",),
            provider,
        ),
        Voice("v2", "v2", "", description="calm", provider=provider),
        Voice("v3", "Mia", "", provider=provider),
    ]
    assert token == "t1"
    assert PAGES.read(orjson.dumps({**body, "has_more": False}))[1] is None


@pytest.mark.parametrize(
    "body", [b"no JSON", b"{}", b'{"voices":7,"has_more":false}', b'{"voices":[7]}']
)
def test_what_cannot_be_read_raises(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        PAGES.read(body)
