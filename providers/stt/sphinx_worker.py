"""The process that recognizes one call at a time: ``python -m providers.stt.sphinx_worker``."""

from __future__ import annotations

from .local_worker import Recognizer, serve

__all__ = ["load"]


def load() -> Recognizer:
    """PocketSphinx with its models; half a second."""
    # Not before `serve` runs: what is wrong with the package is told to the parent.
    from . import sphinx_decoder

    return sphinx_decoder.Recognizer()


if __name__ == "__main__":
    serve(load)
