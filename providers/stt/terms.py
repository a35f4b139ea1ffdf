"""PURE: which options a recognizer honours that takes only some of the words that matter."""

from __future__ import annotations

from collections.abc import Collection, Set

from ..options import SttOptions

__all__ = ["honoured_with"]


def honoured_with(
    taken: Collection[str], options: SttOptions, honoured: Set[str]
) -> frozenset[str]:
    """What is honoured of `options`, without those of which words are left out.

    Args:
        taken: the words that the vendor is told.
        options: what is asked for.
        honoured: what is honoured otherwise.
    """
    asked = {"key_terms": options.key_terms, "phrases": options.phrases}
    partly = {
        name
        for name, terms in asked.items()
        if any(term.strip() and term.strip() not in taken for term in terms)
    }
    return frozenset(honoured - partly)
