"""A stand-in for Twilio's REST API: calls, their recordings, and numbers.

It answers as Twilio does, byte for byte of the JSON's shape, and is as strict about what it is
asked. It dials the calls that it is asked for: people, for whom the simulated phone talks, answer
or do not. What it cannot know from Twilio's documentation is marked as assumed where it is decided.

    server.py      runs it on a socket
    running.py     the same for tests, with calls that do nothing but what REST says
    calling.py     the same for tests, with somebody who is called
    standin.py     one stand-in: what it was asked, what it complains about, how it misbehaves
    app.py         the routes
    account.py     what there is: calls, recordings, numbers
    order.py       what one request to make a call asks for
    outbound.py, recording.py  one call that was made, one recording
    dialling.py    the queue, and what comes of each call in it
    people.py, people_file.py, sounds.py  who is called, and what they do and say
    detection.py   what Twilio takes them for
    progress.py, meddling.py  the callbacks of one call, and what happens to them on their way
    ledger.py      every call that was accepted: what campaigns are judged by
    parameters.py  what each request may hold
    resources.py   the JSON of each resource
    paging.py      lists
    mischief.py    what can go wrong on command
    problem.py     refusals
"""
