"""Faults as a shell names them; what they do is seen in the stand-ins' own tests."""

from __future__ import annotations

import pytest

from .faults import Fault, fault_of


def test_a_shell_names_faults() -> None:
    assert fault_of("reset") == Fault("reset")
    given = fault_of("error:code=401,error_type=unauthenticated,when=word,at_ms=300")
    assert given == Fault("error", "word", 300, 401, "unauthenticated")
    assert fault_of("garbage:garbage=huge,delay_ms=5").garbage == "huge"
    for wrong in (
        "crash",
        "reset:when=later",
        "reset:garbage=none",
        "reset:soon=1",
        "slow:at_ms=x",
    ):
        with pytest.raises(ValueError, match=r"\w"):
            fault_of(wrong)
