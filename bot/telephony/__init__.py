"""Twilio over HTTP: signatures, stream tokens, TwiML, webhooks and the admission of streams."""
