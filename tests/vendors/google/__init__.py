"""A stand-in for Google Cloud: its speech-to-text and text-to-speech, both by gRPC.

It is as strict as Google's documentation is, and what that leaves open is marked as assumed where
it is decided. What it has in common with other vendors' is in `tests.vendors.speech`.

    server.py       runs it from a shell
    standin.py      its doors, and who may come in
    refusal.py      errors as Google reports them
    limits.py       how long and how much

    stt.py          a recognition stream of either version; stt_request.py is what may be asked,
                    stt_results.py what is said
    files.py        recordings that are sent at once
    offer.py        models, languages and places of recognizers

    speaking.py     synthesis in one piece, and the doors of all synthesis
    tts.py          a synthesis stream; tts_request.py is what may be asked, tts_offer.py the voices
"""
