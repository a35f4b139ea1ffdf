from __future__ import annotations

import pytest

from bot.api.stt.faults import FAULTS, Fault, fault_of
from bot.api.stt.unexpected import fault_for
from providers import errors
from providers.errors import ProviderError

CLOSE_CODES = {1007, 1008, 1009, 1011, 1012, 1013}


def all_errors(kind: type[ProviderError] = ProviderError) -> list[type[ProviderError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in all_errors(below))]


def test_each_fault_has_a_status_a_close_code_and_a_reason_that_fits() -> None:
    for code, kind in FAULTS.items():
        assert kind.code == code
        assert 400 <= kind.status < 600
        assert kind.close in CLOSE_CODES
        assert kind.meaning
        # RFC 6455: a control frame has 125 bytes, two of them for the code.
        assert len(code.encode()) <= 123


def test_what_clients_are_told() -> None:
    fault = Fault("bad_channels", "channels: one or two", allowed=[1, 2])
    assert (fault.status, fault.close, fault.ends) == (400, 1008, True)
    assert fault.values(12.5) == {
        "error": "channels: one or two",
        "code": "bad_channels",
        "timestamp": 12.5,
        "allowed": [1, 2],
    }
    limited = Fault("rate_limited", "wait", retry_after_s=2.0)
    assert limited.values(0.0)["retry_after_s"] == 2.0
    assert "allowed" not in limited.values(0.0)
    assert str(limited) == "rate_limited: wait"


def test_there_are_no_other_codes() -> None:
    with pytest.raises(KeyError):
        Fault("no_such_code", "")


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_of_a_recognizer_has_a_fault(kind: type[ProviderError]) -> None:
    assert fault_of(kind("deepgram", "it is so")).code in FAULTS


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnsupportedLanguageError("soniox", "no Klingon"), "unsupported_language"),
        (errors.UnsupportedError("soniox", "no such model"), "unknown_parameter_value"),
        (errors.MissingKeyError("soniox", "it is not configured"), "provider_not_configured"),
        (errors.InvalidAudioError("audio", "damaged"), "bad_audio"),
        (errors.CapacityError("whisper", "every engine is taken"), "too_many_sessions"),
        (errors.NetworkError("deepgram", "it broke"), "provider_failed"),
    ],
)
def test_which_fault_an_error_is(error: ProviderError, code: str) -> None:
    assert fault_of(error).code == code


def test_of_the_workers_own_account_nothing_is_told() -> None:
    fault = fault_of(errors.AuthenticationError("deepgram", "the key dg_123 was refused"))
    assert fault.text == "deepgram cannot go on"
    assert fault.retry_after_s is None


def test_what_a_vendor_finds_wrong_with_a_request_is_told() -> None:
    fault = fault_of(errors.ApiError("soniox", "there is no such model"))
    assert fault.code == "provider_failed"
    assert "no such model" in fault.text


def test_when_to_try_again() -> None:
    limited = errors.RateLimitError("deepgram", "too many", retry_after_s=7.0)
    assert fault_of(limited).retry_after_s == 7.0
    assert fault_of(errors.NetworkError("deepgram", "it broke")).retry_after_s is not None


def test_audio_that_is_something_else_is_answered_with_what_there_is() -> None:
    fault = fault_for(errors.InvalidAudioError("audio", "it is no FLAC"))
    assert fault.code == "bad_audio"
    assert {"pcm_s16le", "flac", "auto"} <= set(fault.allowed["encoding"])
