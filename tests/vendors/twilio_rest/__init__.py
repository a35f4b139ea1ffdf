"""A stand-in for Twilio's REST API: calls, their recordings, and numbers.

It answers as Twilio does, byte for byte of the JSON's shape, and is as strict about what it is
asked. What it cannot know from Twilio's documentation is marked as assumed where it is decided.

    server.py      runs it on a socket
    running.py     the same for tests, with calls that do nothing but what REST says
    standin.py     one stand-in: what it was asked, what it complains about, how it misbehaves
    app.py         the routes
    account.py     what there is: calls, recordings, numbers
    recording.py, queued.py  one of each
    parameters.py  what each request may hold
    resources.py   the JSON of each resource
    paging.py      lists
    mischief.py    what can go wrong on command
    problem.py     refusals
"""
