"""A stand-in for Azure's Speech service: recognition and synthesis over the WebSocket protocol of
its SDKs, fast transcription, the API for short audio, synthesis over HTTP, and the list of voices.

Azure does not document the protocol. The stand-in takes what the native SDK, version 1.53, was seen
to send, and answers so that the SDK is content; what is assumed is marked where it is decided.

    access.py      how the catalogue's providers reach it
    standin.py     the stand-in: its doors, and who may come in
    limits.py      how long and how much
    refusal.py     errors as Azure reports them: by HTTP, and with a close code
    usp.py         the protocol's messages

    stt.py         a recognition stream; stt_query.py says what it may be asked for
    files.py       recordings, of any length and short ones
    results.py     words, as results have them

    tts.py         a synthesis connection; tts_context.py is what may be wanted of its audio
    tts_http.py    synthesis over HTTP, and the list of voices
    ssml.py        SSML, as the service reads it; voices.py are those that it may name

    talk.py        for tests: a client without manners
"""
