"""Stand-ins for the services of OpenAI that Parley uses: speech here, and chat.

It is as strict as OpenAI's reference is, and what that leaves open is marked as assumed where it is
decided. What all vendors' stand-ins for speech have in common is in `tests.vendors.speech`.

    server.py      runs it from a shell
    standin.py     its paths, and who may come in; access.py is the catalogue's way to it
    offer.py       models, languages, voices
    refusal.py     errors as OpenAI words them

    session.py     what both kinds of realtime sessions have
    transcription.py, transcription_config.py
                   a session that transcribes: an item for each commit
    reading.py, reading_request.py
                   a session with a model that reads texts aloud
    files.py       recordings in a form
    speech.py      texts spoken over HTTP

    chat.py, chat_request.py, chat_stream.py
                   chat completions, a stand-in of its own
"""
