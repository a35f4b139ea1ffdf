"""PURE: where a conversation goes on after its stream was lost, from the history alone."""

from __future__ import annotations

import re

from bot.dialog.types import HistoryEntry, Turn
from bot.sentences import Sentences

__all__ = ["reopen", "take_unheard"]

_RECORDING = re.compile(r"\s*\[[^\[\]]+\.(?:wav|ulaw|ul)\]\s*", re.IGNORECASE)
"""What stands in the history for a recording that was played."""


def take_unheard(history: list[HistoryEntry]) -> str:
    """What the bot said last, from the first sentence that was not wholly heard.

    What is given is to be said again, so those entries count as interrupted from now on.
    """
    parts = []
    for number, entry in enumerate(reversed(history)):
        if entry.role != "bot":
            break
        # What was interrupted and is not the last has been said again, or was not wanted.
        if entry.heard != entry.text and (number == 0 or not entry.interrupted):
            entry.interrupted = True
            _, rest = _divided(entry)
            # The name of a recording is not to be read out.
            parts.append(_RECORDING.sub(" ", rest).strip())
    return " ".join(filter(None, reversed(parts)))


def reopen(history: list[HistoryEntry], turn: Turn) -> list[str]:
    """Make the history end with the turn that is to be answered again.

    A beginning of the answer that was heard stays, interrupted. Gives its sentences that were heard
    whole.
    """
    at = next((at for at in reversed(range(len(history))) if _is_of(history[at], turn)), None)
    if at is None:
        history.append(HistoryEntry("caller", turn.text, turn.text, turn.start_ms, turn.end_ms))
        return []
    said = [entry for entry in history[at + 1 :] if entry.heard]
    history[at + 1 :] = said
    sentences: list[str] = []
    for entry in said:
        entry.interrupted = True
        sentences += _divided(entry)[0]
    return sentences


def _is_of(entry: HistoryEntry, turn: Turn) -> bool:
    return (entry.role, entry.text, entry.start_ms) == ("caller", turn.text, turn.start_ms)


def _divided(entry: HistoryEntry) -> tuple[list[str], str]:
    """The sentences of an entry that were heard whole, and the text from there on."""
    text, heard = entry.text, entry.heard
    splitter = Sentences()
    whole: list[str] = []
    end = 0
    for sentence in [*splitter.feed(text), *splitter.flush()]:
        start = text.index(sentence, end)
        end = start + len(sentence)
        if end > len(heard):
            return whole, text[start:]
        whole.append(sentence)
    return whole, ""
