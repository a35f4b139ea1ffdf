"""Proofs that a call outlives its worker: `python -m tests.bot.survival --help`.

Each proof starts real workers behind one public URL, calls them with the simulated phone, does
harm to a worker or to Redis, and judges by what the caller heard, by what the dialog was asked,
and by the record.
"""
