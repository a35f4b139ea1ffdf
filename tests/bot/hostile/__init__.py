"""What a worker must bear: see `tests.bot.hostile.__main__`."""
