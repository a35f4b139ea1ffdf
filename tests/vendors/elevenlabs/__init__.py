"""A stand-in for ElevenLabs: Scribe for streams and recordings, voices over WebSockets and HTTP.

It is as strict as ElevenLabs' documentation is; what that leaves open is marked as assumed where it
is decided, and what others have observed as observed.

    server.py      runs it from a shell
    standin.py     one stand-in: its doors, and who may come in
    refusal.py     errors as ElevenLabs reports them, by HTTP and on its WebSockets
    limits.py      how long and how much
    offer.py       its voices, models and audio formats

    stt.py         a stream of Scribe; stt_query.py is what opens one
    files.py       Scribe for recordings

    tts.py         a synthesis connection with contexts; tts_context.py is one of them
    tts_single.py  one with a single text, as the official SDK has it
    tts_query.py   what opens either; tts_messages.py is what may be said to them
    tts_http.py    synthesis over HTTP
    speaking.py    chunks of audio, with the times of characters

    access.py      how the catalogue's providers reach it
"""
