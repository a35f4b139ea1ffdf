"""`parley transcribe`, `synthesize`, `voices` and `providers`: the speech library from a shell."""
