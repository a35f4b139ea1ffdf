"""Speech vendors behind one face: speech-to-text and text-to-speech."""
