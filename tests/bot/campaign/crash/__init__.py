"""The crash proof of campaigns: `python -m tests.bot.campaign.crash --contacts 10000 --kills 1000`.

Dialers and Redis are killed with SIGKILL while a campaign runs, many of them between "attempt
written" and "answer received", and callbacks go astray. What happened is judged by the ledger of
Twilio's stand-in alone, and by whether all contacts are done.

    plan.py     how big, how fast, and who is called
    gate.py     holds requests for calls, so that their dialers can be killed meanwhile
    dialers.py  the processes that are killed
    bot.py      what Twilio asks for TwiML, and tells
    killing.py  who is killed when
    judge.py    PURE: what the ledger says
    proof.py    all of it together
"""
