"""Metrics: named once, each worker's in a registry of its own."""

from __future__ import annotations

from bot.metrics import CONTENT_TYPE, Metrics


def test_two_workers_in_one_process_do_not_clash() -> None:
    one, two = Metrics(), Metrics()
    one.turns.inc()
    assert b"parley_turns_total 1.0" in one.render()
    assert b"parley_turns_total 0.0" in two.render()


def test_everything_is_ours_and_explained() -> None:
    lines = Metrics().render().decode().splitlines()
    helps = [line for line in lines if line.startswith("# HELP")]
    assert len(helps) > 15
    assert all(line.split()[2].startswith("parley_") and line.endswith(".") for line in helps)
    assert CONTENT_TYPE.startswith("text/plain")
