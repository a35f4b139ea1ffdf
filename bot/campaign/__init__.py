"""Outbound campaigns: who is called when, once, whatever dies meanwhile."""
