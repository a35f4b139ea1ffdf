"""What every provider of the catalogue has to do, whoever makes it.

A vendor is in it as soon as it is in `providers.catalog`: its stand-in is found by `ACCESS` in
`tests.vendors.<account>.access`. What has no vendor is in `reach.LOCAL`, and a name with neither is
a failure.

    reach.py            brings a test to a provider, and to the stand-in it talks to
    caller.py           speaks to a recognizer as a caller does
    elsewhere.py        ears and a voice that compute, while virtual time stands still
    failures.py         what may go wrong with any of them, and which error that is

    test_catalogue.py   every name can be reached
    test_keys.py        a key that is missing, wrong or right
    test_streams.py     what may go wrong with a recognizer's connection
    test_recordings.py  likewise with a recording that is sent at once
    test_buffered.py    likewise with recordings as streams
    test_voices.py      likewise with a synthesizer
    test_options.py     what is asked for and not on offer: languages, options
    test_speech.py      real speech is understood, and voices can be

Calls with every provider are in `tests.bot.test_every_provider`; what happens when a process of
this machine's recognizers dies, hangs or is taken is in their own tests.
"""
