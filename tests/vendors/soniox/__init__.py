"""A stand-in for Soniox: its real-time speech-to-text and text-to-speech WebSockets.

It is as strict as Soniox' documentation is, and what that leaves open is marked as assumed where it
is decided. What it has in common with other vendors' is in `tests.vendors.speech`.

    server.py      runs it from a shell
    standin.py     its two sockets, and who may open one
    keys.py        who a client is
    refusal.py     errors as Soniox reports them
    limits.py      how long and how much

    stt.py         a recognition stream; stt_config.py is what opens one, controls.py steers it

    tts.py         a synthesis connection, tts_stream.py one of its streams, tts_messages.py
                   what may be said to them

    languages.py   the languages of both
    talking.py     for tests: a client without manners
"""
