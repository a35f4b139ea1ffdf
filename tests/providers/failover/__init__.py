"""Proves that no word is lost or doubled when one recognizer takes over from another.

Two recognizers of the catalogue, each with its vendor's stand-in, share a minute of speech; the one
that is listening is killed, ten times, wherever that hurts.

    parties.py     who may take part: every recognizer with a stand-in
    places.py      where in the speech one is killed
    speaker.py     who speaks: audio, and voice activity, as they come in a call
    match.py       one pair, one script

`python -m tests.providers.failover --pairs all` from a shell.
"""
