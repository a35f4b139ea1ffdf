"""The web pages of a worker."""
