"""The records of calls from a shell: `parley calls` is `bot.records.command`."""
