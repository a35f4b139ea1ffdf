"""The one error tree: what goes to another process, and what is said."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from providers import errors
from providers.errors import NetworkError, ProviderError, RateLimitError, UnavailableError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, ProviderError)])
def test_every_error_goes_to_another_process_as_it_is(kind: type[ProviderError]) -> None:
    error = kind("deepgram", "it went wrong", hint="try something else", code="1011")
    error.retryable = not error.default_retryable
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert (str(again), again.args) == (str(error), error.args)
        assert vars(again) == vars(error)


def test_the_vendors_advice_goes_with_it() -> None:
    error = RateLimitError("openai", "too many requests", retry_after_s=3.0)
    assert pickle.loads(pickle.dumps(error)).retry_after_s == 3.0


def test_every_error_says_what_to_do_unless_it_is_no_use() -> None:
    assert NetworkError("deepgram", "lost").hint == NetworkError.default_hint != ""
    assert NetworkError("deepgram", "lost", hint="wait").hint == "wait"
    # What no retry mends is another matter.
    assert UnavailableError("deepgram", "closed", retryable=False).hint == ""
