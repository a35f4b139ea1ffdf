"""No provider is left out."""

from __future__ import annotations

import pytest

from providers.catalog import FILES, STT, TTS

from .reach import LOCAL, access_to, remote

TABLES = {"stt": STT, "tts": TTS, "files": FILES}


@pytest.mark.parametrize("name", sorted({name for table in TABLES.values() for name in table}))
def test_every_provider_is_local_or_has_a_stand_in(name: str) -> None:
    if name in LOCAL:
        return
    access = access_to(name)
    for kind, table in TABLES.items():
        assert (name in getattr(access, kind)) == (name in table), kind


@pytest.mark.parametrize("kind", TABLES)
def test_a_stand_in_has_only_what_the_catalogue_has(kind: str) -> None:
    for name in remote(TABLES[kind]):
        assert getattr(access_to(name), kind).keys() <= TABLES[kind].keys()
