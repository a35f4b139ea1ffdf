"""A stand-in for Deepgram: `/v1/listen` live and for recordings, `/v2/listen` (Flux), `/v1/speak`
on a WebSocket and over HTTP, and the list of models.

It is as strict as Deepgram's documentation is, and what that leaves open is marked as assumed where
it is decided. See `tests.vendors.speech` for what it shares with the other stand-ins.

    server.py      runs it from a shell; access.py says how the catalogue's providers reach it
    standin.py     the stand-in: its doors, and who may come in
    limits.py      how long and how much
    offer.py       models, their languages, voices
    query.py       what may stand in a URL
    refusal.py     errors as Deepgram reports them: by HTTP, in a message, with a close code

    stt.py         a recognition stream, controls.py steers it
    flux.py        a stream of Flux
    files.py       recordings
    results.py     words and metadata, as results have them
    tts.py         a synthesis connection
    speaking.py    synthesis over HTTP

    talk.py        for tests: a client without manners
"""
