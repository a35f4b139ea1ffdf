"""What `providers.processor` is made of: files, streaming sessions, whole texts, checks."""
