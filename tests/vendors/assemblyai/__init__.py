"""A stand-in for AssemblyAI: Universal-Streaming v3 on a WebSocket.

It is as strict as AssemblyAI's documentation is, and what that leaves open is marked as assumed
where it is decided. See `tests.vendors.speech` for what it shares with the other stand-ins.

    access.py      how the catalogue's provider reaches it
    standin.py     the stand-in: its doors, and who may come in
    limits.py      how long, how much and how fast
    query.py       what may stand in the URL
    controls.py    what a client may say in text
    refusal.py     errors as AssemblyAI reports them: by HTTP, in a message, with a close code

    stt.py         a session
    turns.py       what a session says of its turns
"""
