"""The VAD batcher of the process, under its name of before."""

from providers.ears import Ears, Listener

__all__ = ["Ears", "Listener"]
