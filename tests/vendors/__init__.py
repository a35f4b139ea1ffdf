"""Stand-ins for the services that Parley talks to, as strict as the services are.

Each can be started from a shell: `python -m tests.vendors NAME --port N`.
"""
