"""Speech-to-text providers, one module a vendor."""
