"""A stand-in for Cartesia: Ink, told when utterances end or finding turns, and Sonic, both on
WebSockets; and the list of voices.

It is as strict as Cartesia's documentation and its SDK's types are, and what these leave open is
marked as assumed where it is decided. See `tests.vendors.speech` for what it shares with the other
stand-ins.

    access.py      how the catalogue's providers reach it
    standin.py     the stand-in: its doors, and who may come in
    limits.py      how long, how much and how fast
    offer.py       models, languages, voices
    query.py       what may stand in a recognizer's URL
    refusal.py     errors as Cartesia reports them

    stt.py         a stream that is told when somebody has spoken
    turns.py       a stream that finds that out
    tts.py         a synthesis connection, tts_context.py one of its contexts, tts_messages.py what
                   may be said to them
"""
