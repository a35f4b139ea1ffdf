"""Keys of the API: who may use the speech-to-text service, and how much of it."""
