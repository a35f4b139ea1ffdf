from __future__ import annotations

import pytest

from providers.errors import (
    ApiError,
    AuthenticationError,
    CapacityError,
    DeadlineError,
    InvalidResponseError,
    MissingKeyError,
    NetworkError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnsupportedLanguageError,
)
from providers.health import HOPELESS_REST_S, REST_S, SOUND_S, Health
from providers.patience import RATE_LIMIT_S

LOST = NetworkError("vendor", "lost")


def fail(health: Health, now_s: float, error: ProviderError = LOST) -> float:
    """A failure, and how long it rests from then on."""
    health.failed(error, now_s)
    return health.probe_due_s - now_s


def test_who_fails_rests_and_is_well_after_a_success() -> None:
    health = Health()
    assert health.well
    assert health.failed(LOST, 100)
    assert not health.well
    assert health.error is LOST
    assert health.probe_due_s == 100 + REST_S[0]
    assert health.succeeded(102, 103)
    assert health.well
    assert not health.succeeded(104, 105)


def test_rest_is_longer_after_each_probe_that_failed() -> None:
    health, now_s, rests = Health(), 100.0, []
    for _ in range(len(REST_S) + 2):
        rests.append(fail(health, now_s))
        now_s = health.probe_due_s
    assert rests == [*REST_S, REST_S[-1], REST_S[-1]]


def test_many_calls_that_fail_at_the_same_moment_are_one_failure() -> None:
    health = Health()
    assert [health.failed(LOST, 100 + number / 100) for number in range(50)] == [True] + 49 * [
        False
    ]
    assert health.probe_due_s == 100 + REST_S[0]


def test_who_fails_again_soon_was_not_really_well() -> None:
    health = Health()
    fail(health, 100)
    health.succeeded(102, 102)
    assert fail(health, 110) == REST_S[1]
    health.succeeded(120, 120)
    assert fail(health, 120 + SOUND_S + 1) == REST_S[0]


def test_what_was_begun_before_says_nothing_of_what_would_be_begun_now() -> None:
    health = Health()
    fail(health, 100)
    assert not health.succeeded(99, 101)
    assert not health.well


@pytest.mark.parametrize(("advised_s", "rest_s"), [(None, REST_S[0]), (0.1, REST_S[0]), (30, 30)])
def test_a_rate_limit_is_respected(advised_s: float | None, rest_s: float) -> None:
    assert REST_S[0] > RATE_LIMIT_S
    assert fail(Health(), 100, RateLimitError("v", "limit", retry_after_s=advised_s)) == rest_s


def test_a_rate_limit_that_is_told_of_later_is_respected_too() -> None:
    health = Health()
    fail(health, 100)
    assert fail(health, 101, RateLimitError("v", "limit", retry_after_s=30)) == 30


@pytest.mark.parametrize("kind", [AuthenticationError, MissingKeyError, QuotaError])
def test_who_needs_somebodys_help_rests_long_and_says_so(kind: type[ProviderError]) -> None:
    health = Health()
    fail(health, 100)
    assert not health.hopeless
    assert health.failed(kind("vendor", "refused"), 101)
    assert health.hopeless
    assert health.probe_due_s == 101 + HOPELESS_REST_S
    assert not health.failed(kind("vendor", "refused"), 102)
    assert health.succeeded(800, 801)
    assert not health.hopeless


@pytest.mark.parametrize("kind", [UnsupportedLanguageError, CapacityError, ApiError])
def test_what_is_not_the_providers_fault_does_not_make_it_rest(kind: type[ProviderError]) -> None:
    health = Health()
    assert not health.failed(kind("vendor", "no"), 100)
    assert health.well
    # But when it cannot even be started, or probed, it cannot be used.
    assert health.fell_ill(kind("vendor", "no"), 100, hopeless=False)
    assert not health.well


@pytest.mark.parametrize("error", [InvalidResponseError("v", "no"), DeadlineError("v", "late")])
def test_other_errors_may_pass(error: ProviderError) -> None:
    health = Health()
    assert fail(health, 100, error) == REST_S[0]
    assert not health.hopeless


def test_what_may_pass_gives_no_hope_where_there_was_none() -> None:
    health = Health()
    refused = AuthenticationError("vendor", "refused")
    health.failed(refused, 100)
    assert not health.failed(LOST, 101)  # of a stream that was opened before
    assert health.hopeless
    assert not health.failed(refused, 102)
    assert health.probe_due_s == 100 + HOPELESS_REST_S
    # The probe tells how it is now.
    assert fail(health, 100 + HOPELESS_REST_S) == REST_S[1]
    assert not health.hopeless
