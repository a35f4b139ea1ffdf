"""What the stand-ins for speech vendors have in common.

Each is as strict as its vendor's documentation is, keeps all that clients send, understands a
recording that it knows (or really listens), speaks, and misbehaves on command.

    standin.py     a stand-in: who may come in, and what is said to them
    register.py    who came, who is there, and which fault meets whom
    doors.py       the paths that it serves: WebSockets, plain HTTP, gRPC
    front.py       the one port of them all
    record.py      what one client sent and was told
    peer.py        one WebSocket: frames in and out
    exchange.py    one HTTP request and its answer
    caller.py      one who calls by gRPC; http2.py is the connection
    refusal.py     errors, before the vendor words them; an answer in one piece
    groups.py      what has gone wrong in a group of tasks
    faults.py      what can go wrong on command, and when; strike.py does it

    stt.py         what every recognition stream does; the vendor's own derives from it
    arrival.py     whether audio comes faster than it is spoken
    hearing.py     what a recognizer is, and its tokens; `transcribe` is for files
    oracle.py      the recognizer that knows its recording; alignment.py finds where in it one is
    script.py      such a recording; recordings.py makes some
    sphinx.py      the recognizer that listens: PocketSphinx, choosing among `PHRASES`
    voices.py      who speaks: eSpeak, or tones that can be computed; wav.py puts headers before it

    access.py      how the catalogue's providers reach it, for tests of all of them
    shell.py       the command line of them all
    talking.py     for tests: a WebSocket client without manners

How to write one, in a package of its own beside this one (`soniox` is an example):

*The stand-in* is a class that derives from `standin.StandIn` and defines

- `__init__(hearing, *, api_key=…, voice=None, …)`, which gives the base `engines=[hearing, voice]`
  (they are started and closed with it), `faults` by service, `port`, `keep`, `send_s`;
- `doors()`: a `SocketDoor(service, path, serve)` or `HttpDoor(service, method, path, answer)` for
  each path, which may hold `{names}`. A service has its own faults and its own records: name them
  `stt` and `tts`, and others for what else there is, such as `files`;
- `shown_key(headers, record)`: "right", "wrong" or "missing";
- `refusal_answer(refusal, service)`: the HTTP answer (`Answer.json(body, status, headers)`) for a
  `Refusal`: of a handshake, and of a request. A 402 stands for a quota that is used up, and has
  whatever status the vendor gives that; `retry-after` is added by itself. 404 comes with the
  service "" when no door has the path;
- if need be, `admit(record)`: raises a `Refusal` for what is wrong with a handshake or a request
  (by default a key that is not right; the query is in `record.query`, see `record.asked(name)`);
  and `select_subprotocol(offered)`.

*A recognition stream* derives from `stt.SttStream`. Its `say(heard)` sends the vendor's message for
what is final and what is interim; `heard` holds `Token`s (whole words, if `Listening.whole_words`
asks for that), and `END` among the final ones where the speaker is done. Its door's `serve(peer)`

    stream = DeepgramStream(peer, …)
    await stream.opened()                          # a fault may strike here
    async with stream.recognizing(Listening(audio_format, endpoint_ms=300)):
        while True:
            frame = await peer.receive(idle_s)     # Gone: the client left; TimeoutError
            await stream.hear(audio)               # says what is new, and meets its fault
            heard = await stream.settle()          # a client's "finalize": tell(heard) tells it
            await stream.finish()                  # the client has sent all
    await peer.close()

`Gone` may pass through; a `Refusal` (also of a fault) is the vendor's error message: catch it, say
it, close. Binary frames are the record's `audio`; what came otherwise is in its `messages`; its
`audio_bytes` is what `hear` was given.

*A synthesis connection* has `Striker(peer, peer.record.fault)`, and calls `strike_if("open", 0)`
first, `strike_if("audio", sent_ms)` before each message with audio and `strike_if("finish",
sent_ms)` in the place of the last. `await voice.speak(text, Speaking(rate_hz, speed, language))`
gives samples, and `media.audio.encode` bytes; `voices.spoken` gives these in chunks, and
`voices.sayable` tells what a voice can say of a text that is still coming. What `voices.tones`
computes is what `ToneVoice` says.

*An HTTP door's* `answer(exchange)` reads `exchange.json()`, `exchange.body`, or a form (`async with
exchange.form() as form:`), raises a `Refusal`, or gives `await exchange.answer(Answer…)` or `await
exchange.stream(pieces, content_type)`; the faults strike by themselves. For a file:
`await transcribe(hearing, audio, Listening(audio_format, whole_words=True))`. `toy.py` is the
smallest stand-in with both kinds of doors.

*A call's door* `serve(caller)`s one client: `caller.receive()` gives its messages, and None when
it has sent all, `caller.send(message)` answers; when `serve` returns the call is ended, and a
`Refusal` is its status, worded by `refusal_status`. A door of one answer takes
`await caller.question()` and gives `await caller.answer(message)`: there the faults strike by
themselves, as in an exchange. Messages are protocol buffers in their bytes.

*Tests* make a `Script` (`recordings.computed_script`), give the stand-in `OracleHearing(script)`,
and send `script.audio` (8 kHz µ-law), or `script.audio_in(AudioFormat(Encoding.PCM16, rate_hz))`
for 8, 16 or 24 kHz: nothing else is understood, and this in no other format. They look at
`standin.records[service]`, wait with `standin.until(…)`, and let things go wrong with
`standin.misbehave(Fault("reset", at_ms=500), service="stt")`.

*The way to it* is `ACCESS` in an `access.py`: with it the tests of the whole catalogue
(`tests/providers/conformance`) find the stand-in, and so does `python -m tests.vendors`.
"""
