"""The vendors' pages and the README's table of them, made of what `providers.vendors` declares.

`python -m tests.vendor_pages` writes `providers/vendors/<account>.md`, and that table. What is said
there of prices and languages is what `parley providers` says.
"""
