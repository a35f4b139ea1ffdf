"""Bytes and samples: telephone audio with no sockets, no clock and no event loop.

Everything here is a pure function or a small state machine that is told the time.
"""
