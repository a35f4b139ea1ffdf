"""`parley demo`: a whole call on this machine, judged and left behind as files."""
