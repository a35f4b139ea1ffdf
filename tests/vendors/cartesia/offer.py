"""What Cartesia offers: models, their languages, voices."""

from __future__ import annotations

from tests.vendors.speech.refusal import Json

__all__ = ["BATCH_LANGUAGES", "SONIC", "SONIC_LANGUAGES", "VERSIONS", "VOICES", "listed"]

VERSIONS = frozenset(["2025-04-16", "2026-03-01", "2026-08-14"])
_BATCH = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th"
    " ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr"
    " pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt"
    " haw ln ha ba jw su yue"
)
BATCH_LANGUAGES = frozenset(_BATCH.split())
_SONIC = "sonic-3.5 sonic-3 sonic-latest sonic-3.5-2026-05-04 sonic-3-2026-01-12 sonic-3-2025-10-27"
SONIC = frozenset(_SONIC.split())
_SPOKEN = (
    "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi"
    " bn th he ka id te gu kn ml mr pa or ur"
)
SONIC_LANGUAGES = frozenset(_SPOKEN.split())
VOICES = {
    "a0e99841-438c-4a64-b679-ae501e7d6091": ("Barbershop Man", "en", "en-US", "masculine"),
    "694f9389-aac1-45b6-b726-9d9369183238": ("Sarah", "en", "en-GB", "feminine"),
    "b9de4a89-2257-424b-94c2-db18ba68c81a": ("Viktoria", "de", "de-DE", "feminine"),
}


def listed(voice_id: str) -> Json:
    """A voice, as the list of voices has it."""
    name, language, locale, gender = VOICES[voice_id]
    return {
        "id": voice_id,
        "access": "public",
        "created_at": "2026-01-01T00:00:00Z",
        "description": f"{name}, for conversations",
        "is_owner": False,
        "language": language,
        "locales": [{"locale": locale, "is_native": True}],
        "name": name,
        "tagline": "",
        "visibility": "all",
        "gender": gender,
    }
