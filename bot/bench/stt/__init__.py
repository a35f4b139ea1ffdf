"""The benchmark of the streaming speech-to-text service: `parley bench stt`.

Light clients send audio as it is spoken to a worker on a core of its own, whose recognizer is a
stand-in that knows by the place in the audio what is said. What both have in common with
`parley bench calls` is taken from there.
"""
