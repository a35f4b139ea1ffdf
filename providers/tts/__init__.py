"""Text-to-speech providers, one module a vendor."""
