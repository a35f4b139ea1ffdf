"""The picture of a call: both sides on one time axis, with turns, speech, marks and clears."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from media.audio import ulaw_to_pcm

from .result import CallResult
from .speech import Span
from .transcript import ReportedTurn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PictureUnavailable", "draw_call"]

_WIDTH_IN, _HEIGHT_IN, _DPI = 16.0, 6.4, 100
# The caller's and the bot's colour, apart for colour-blind eyes too (Okabe and Ito).
_COLOURS = {"caller": "#0072B2", "bot": "#009E73"}
_CLEAR_COLOUR = "#D55E00"
_MARK_COLOUR = "#555555"
_COLUMNS = 1600
_QUIETEST_PEAK = 1000.0
_MS_PER_S = 1000
_SAMPLES_PER_S = 8000
# So many letters of the labels' size fit across the picture.
_CHARACTERS_ACROSS = 225
_LABEL_LINES = 3


Signal = NDArray[np.float64]


class PictureUnavailable(Exception):
    """No picture can be made; the message says what to install."""


def draw_call(result: CallResult, path: Path) -> None:
    """Write the picture as a PNG of about 1600 × 640 pixels.

    Raises:
        PictureUnavailable: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    try:
        # Heavy, and an extra: loaded when a picture is wanted. The object interface alone keeps
        # the process's own choice of backend as it is.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        hint = "no picture: matplotlib is missing; install it with: pip install 'parley[picture]'"
        raise PictureUnavailable(hint) from None
    figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)  # draws the figure from now on
    upper, lower = figure.subplots(2, 1, sharex=True)
    length_s = max(result.tape.length_ms, _MS_PER_S) / _MS_PER_S
    _draw_side(upper, result, "caller", result.tape.caller, result.sound.caller)
    _draw_side(lower, result, "bot", result.tape.bot, result.sound.bot)
    _draw_marks(lower, result)
    _draw_clears(upper, result, "dotted")
    _draw_clears(lower, result, "solid")
    lower.set_xlim(0, length_s)
    lower.set_xlabel("seconds since the stream began")
    upper.set_title(_title(result), loc="left", fontsize=11)
    _draw_legend(upper)
    figure.savefig(path, format="png")


def _draw_side(
    axes: Axes, result: CallResult, role: str, track: bytearray, speech: tuple[Span, ...]
) -> None:
    colour = _COLOURS[role]
    times, low, high = _envelope(bytes(track))
    axes.fill_between(times, low, high, color=colour, linewidth=0.4)
    axes.set_ylim(-1.25, 1.75)
    axes.set_yticks([])
    axes.set_ylabel(role, fontsize=12, color=colour)
    axes.spines[["top", "left", "right"]].set_visible(False)
    for span in speech:
        bar = span.start_ms / _MS_PER_S, (span.end_ms - span.start_ms) / _MS_PER_S
        axes.broken_barh([bar], (-1.2, 0.07), color=colour)
    turns = [turn for turn in result.turns if turn.role == role and turn.start_ms is not None]
    # A label may use the room up to the same speaker's next turn.
    following = [turn.start_ms for turn in turns[1:]] + [result.tape.length_ms]
    for turn, next_ms in zip(turns, following, strict=False):
        _draw_turn(axes, turn, (next_ms or 0) / _MS_PER_S, len(track) / _SAMPLES_PER_S)


def _draw_turn(axes: Axes, turn: ReportedTurn, until_s: float, length_s: float) -> None:
    start_s, end_s = (turn.start_ms or 0) / _MS_PER_S, (turn.end_ms or 0) / _MS_PER_S
    colour = _COLOURS[turn.role]
    axes.axvspan(start_s, end_s, color=colour, alpha=0.12, linewidth=0)
    if not (words := turn.heard if turn.interrupted and turn.heard else turn.text):
        return
    if turn.interrupted:
        words += " —"
    width = max(int((until_s - start_s) / length_s * _CHARACTERS_ACROSS) - 1, 6)
    lines = textwrap.wrap(words, width, max_lines=_LABEL_LINES, placeholder=" …")
    axes.text(start_s, 1.7, "\n".join(lines), fontsize=9, va="top", ha="left", clip_on=True)


def _draw_marks(axes: Axes, result: CallResult) -> None:
    marks = [at_ms / _MS_PER_S for at_ms in result.tape.marks_ms]
    axes.vlines(marks, -1.12, -0.92, color=_MARK_COLOUR, linewidth=1)


def _draw_clears(axes: Axes, result: CallResult, style: Literal["dotted", "solid"]) -> None:
    clears = [clear.at_ms / _MS_PER_S for clear in result.tape.clears]
    axes.vlines(clears, -1.25, 1.1, color=_CLEAR_COLOUR, linewidth=1.6, linestyles=style)


def _draw_legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(color="#777777", alpha=0.2, label="turn"),
        Line2D([], [], color="#777777", linewidth=4, label="speech (over −40 dBFS)"),
        Line2D(
            [], [], color=_MARK_COLOUR, marker="|", markersize=9, linestyle="", label="mark echoed"
        ),
        Line2D([], [], color=_CLEAR_COLOUR, linewidth=1.6, label="clear"),
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=10,
    )


def _envelope(track: bytes) -> tuple[Signal, Signal, Signal]:
    """Times in seconds, and the lowest and highest sample of each column, the loudest being ±1."""
    samples = ulaw_to_pcm(track).astype(np.float64)
    # Speech on a telephone is far below full scale; what is hardly more than noise stays small.
    samples /= max(np.abs(samples).max(initial=0.0), _QUIETEST_PEAK)
    per_column = max(-(-samples.size // _COLUMNS), 1)
    samples = np.pad(samples, (0, -samples.size % per_column)).reshape(-1, per_column)
    times = np.arange(len(samples)) * per_column / _SAMPLES_PER_S
    if not samples.size:
        return times, times, times
    return times, samples.min(axis=1), samples.max(axis=1)


def _title(result: CallResult) -> str:
    ended = f"ended by {result.ended.by} ({result.ended.reason})"
    return f"{result.call_sid}   {result.duration_s:.1f} s, {ended}"
