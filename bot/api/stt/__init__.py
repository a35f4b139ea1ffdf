"""The streaming speech-to-text service: ears for other programs than the telephone."""
