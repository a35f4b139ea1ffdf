"""The simulated phone: does to a worker what Twilio does, so that calls need no account.

`bot.phone.call.place_call` makes one call; `parley call` (`bot.phone.command`) is its shell.
"""
