"""Clients of the service to begin from, each a file of its own, in Python and for Node.

`client` streams by `/stt/stream`, `chunks` needs HTTP alone, `asr` is a plain client of
`/ws/asr-stream`. They know of the service what its documents say, and import nothing of Parley.
"""
