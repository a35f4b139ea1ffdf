"""A key that is missing or wrong is told at the start, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.catalog import (
    FILES,
    STT,
    TTS,
    VENDORS,
    account_of,
    build_file_stt,
    build_stt,
    build_tts,
)
from providers.errors import AuthenticationError, MissingKeyError
from providers.results import AudioData
from providers.types import SttOptions
from tests.virtual_time import virtual_time_on_sockets

from .reach import key_of, reached, remote

WRONG = "a-key-of-somebody-else"
STARTED = [(build_stt, name) for name in remote(STT)] + [(build_tts, name) for name in remote(TTS)]
ALL = [*STARTED, *((build_file_stt, name) for name in remote(FILES))]


def variable(name: str) -> str:
    """Where a provider's key comes from."""
    return VENDORS[account_of(name)].variable(key_of(name))


@pytest.mark.parametrize(("build", "name"), ALL)
def test_a_missing_key_is_told_at_once(build: Callable[..., Any], name: str) -> None:
    with pytest.raises(MissingKeyError) as raised:
        build(name)
    # The key is the account's.
    assert raised.value.provider in (name, account_of(name))
    assert variable(name) in raised.value.hint


@pytest.mark.parametrize(("build", "name"), STARTED)
@virtual_time_on_sockets
async def test_a_wrong_key_is_told_at_the_start(build: Callable[..., Any], name: str) -> None:
    async with reached(build, name, account={key_of(name): WRONG}) as vendor:
        with pytest.raises(AuthenticationError) as raised:
            await vendor.provider.start()
        check(raised.value, name)
        assert sum(map(len, vendor.standin.records.values())) == 1


@pytest.mark.parametrize("name", remote(FILES))
@virtual_time_on_sockets
async def test_a_wrong_key_is_told_with_a_recording(name: str) -> None:
    async with reached(build_file_stt, name, account={key_of(name): WRONG}) as vendor:
        taken = vendor.provider.capabilities.audio[0]
        with pytest.raises(AuthenticationError) as raised:
            await vendor.provider.transcribe(AudioData(taken.silence(100), taken), SttOptions())
        check(raised.value, name)


@pytest.mark.parametrize(("build", "name"), STARTED)
@virtual_time_on_sockets
async def test_a_right_key_is_tried_at_the_start(build: Callable[..., Any], name: str) -> None:
    async with reached(build, name) as vendor:
        await vendor.provider.start()
        records = [record for service in vendor.standin.records.values() for record in service]
        assert [record.key for record in records] == ["right"]


def check(error: AuthenticationError, name: str) -> None:
    """See that it says what to do, and not what the key was."""
    assert error.provider == name
    assert not error.retryable
    assert variable(name) in error.hint
    assert WRONG not in f"{error} {error!r}"
