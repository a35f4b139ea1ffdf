"""Finding the place in a recording."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .alignment import Aligner, Index

BLOCK = 20
KNOWN = random.Random(7).randbytes(100 * BLOCK)
INDEX = Index(KNOWN, BLOCK)


def runs(stream: bytes, cuts: Sequence[int] = (), index: Index = INDEX) -> list[tuple[int, ...]]:
    """Each run: where it begins in the stream, and from where to where it goes in the recording."""
    aligner = Aligner(index)
    edges = [0, *sorted(cuts), len(stream)]
    met = [run for at, to in itertools.pairwise(edges) for run in aligner.hear(stream[at:to])]
    unique = {id(run): run for run in met}.values()
    return [(run.start + run.shift, run.start, run.end) for run in unique]


@given(st.integers(0, 60 * BLOCK), st.integers(0, 1000), st.lists(st.integers(0, 1500)))
def test_a_stream_may_begin_anywhere_and_be_cut_anyhow(
    begin: int, before: int, cuts: list[int]
) -> None:
    foreign = random.Random(before).randbytes(before)
    (run,) = runs(foreign + KNOWN[begin:], cuts)
    # A byte before it may agree by chance.
    at, start, end = run
    assert (at - before, end) == (start - begin, len(KNOWN))
    assert 0 <= begin - start <= 3


def test_audio_that_is_left_out_begins_another_run() -> None:
    assert runs(KNOWN[:500] + KNOWN[733:]) == [(0, 0, 500), (500, 733, 2000)]


def test_audio_that_is_doubled_begins_another_run() -> None:
    assert runs(KNOWN[:900] + KNOWN[633:]) == [(0, 0, 900), (900, 633, 2000)]


def test_audio_that_is_spoiled_ends_a_run() -> None:
    assert runs(KNOWN[:300] + b"\0" * 50 + KNOWN[350:]) == [(0, 0, 300), (350, 350, 2000)]


def test_what_is_everywhere_is_no_place() -> None:
    index = Index(KNOWN[:200] + bytes(400) + KNOWN[600:], BLOCK)
    assert runs(bytes(400), index=index) == []
    # Once the place is known, the silence before it belongs to it.
    assert runs(bytes(90) + KNOWN[600:], index=index) == [(0, 510, 2000)]
    with pytest.raises(ValueError, match="unlike"):
        Index(bytes(400), BLOCK)


def test_a_recording_may_come_again() -> None:
    assert runs(KNOWN + KNOWN) == [(0, 0, 2000), (2000, 0, 2000)]


def test_only_the_last_seconds_are_remembered() -> None:
    aligner = Aligner(INDEX)
    foreign = random.Random(1).randbytes(400 * BLOCK)
    assert list(aligner.hear(foreign)) == []
    (run,) = aligner.hear(KNOWN)
    assert (run.shift, run.end) == (len(foreign), len(KNOWN))
