"""Stand-ins for the services of OpenAI that Parley uses."""
