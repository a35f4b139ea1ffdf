"""What a vendor costs: lines of code, and µs of its codec for each frame of 20 ms.

`python -m tests.bench.codecs` prints both as tables. A codec's time is that of all its calls while
the engine talks with the vendor's stand-in, in virtual time: what is asked for, sent and heard, but
neither socket nor engine. Beside it is what decoding and resampling a frame costs in this run.
"""
