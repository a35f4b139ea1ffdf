"""A stand-in for Soniox: its real-time speech-to-text and text-to-speech WebSockets.

It is as strict as Soniox' documentation is, and what that leaves open is marked as assumed where it
is decided. Everything that a client sends is kept, and it misbehaves on command.

    server.py      runs it from a shell
    standin.py     one stand-in: its socket, who may come in, and which fault meets whom
    record.py      what one client sent and was told
    peer.py        one connection: frames in and out
    keys.py        who a client is
    faults.py      what can go wrong on command, and when; strike.py does it
    refusal.py     errors as Soniox reports them
    limits.py      how long and how much

    stt.py         a recognition stream; stt_config.py is what opens one, controls.py steers it
    hearing.py     what a recognizer is, and its tokens
    oracle.py      the recognizer that knows its recording; alignment.py finds where in it one is
    script.py      such a recording; recordings.py makes some
    sphinx.py      the recognizer that listens: PocketSphinx

    tts.py         a synthesis connection, tts_stream.py one of its streams, tts_messages.py
                   what may be said to them
    voices.py      who speaks: eSpeak, or tones that can be computed

    languages.py   the languages of both
    talking.py     for tests: a client without manners
"""
