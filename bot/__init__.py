"""The worker: what a call is, and everything that talks to Twilio, Redis and people."""
