"""PURE: the names of what Parley keeps of campaigns in Redis.

Keys; what a campaign has expires with it, what an attempt has with the attempt::

    PREFIX campaigns                    sorted set: campaigns by when they were created
    PREFIX campaigns:running            set: those that run
    PREFIX campaigns:clearing           set: those that are over, perhaps with calls at Twilio
    PREFIX campaigns:outbox             sorted set: CAMPAIGN:NUMBER with events, by when due
    PREFIX campaign:{id}                hash: the campaign, what scripts ask of it, its counters
    PREFIX campaign:{id}:contacts:{NN}  hash: contacts by number, see `bot.campaign.packing`;
                                        NN are a number's last two digits
    PREFIX campaign:{id}:due            sorted set: numbers that wait, by when they are due
    PREFIX campaign:{id}:asked          sorted set: the same of those who asked for a call then
    PREFIX campaign:{id}:live           set: live attempts
    PREFIX campaign:{id}:attempts       list: all attempts in the order of their claims
    PREFIX campaign:{id}:minute:{n}     how many were claimed in a minute, for ten of them
    PREFIX campaign:{id}:outbox:{N}     list: events of a number, or without one of the campaign
    PREFIX attempt:{id}                 hash: an attempt
    PREFIX dial:account                 hash: when the account may dial next, how often it claimed
    PREFIX dial:obstacle                why nobody is dialled; expires when it is not told again
    PREFIX dial:live                    set: live attempts of all campaigns
    PREFIX dial:queued                  set: those of them whose calls wait in Twilio's queue
    PREFIX dial:numbers                 hash: numbers that are live, and their attempts
    PREFIX dial:watch                   sorted set: live attempts by when they are looked at
    PREFIX dial:sid:{sid}               the attempt whose call that is
    PREFIX called:{number}:{from}       the last attempt that called the one from the other
    PREFIX dial:ticks                   list: what taskiq sends dialers, see `bot.campaign.ticking`
    PREFIX do-not-call                  hash: numbers that are never called; never expires
"""

from __future__ import annotations

__all__ = ["SHARDS", "CampaignKeys", "shard"]

SHARDS = tuple(f"{number:02}" for number in range(100))
"""A campaign's contacts are in so many hashes, none of which takes long to expire."""


def shard(number: str) -> str:
    """Which of them has a number (E.164)."""
    return number[-2:]


class CampaignKeys:
    """The names of the keys.

    Args:
        prefix: what every one begins with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.index = f"{prefix}campaigns"
        self.running = f"{prefix}campaigns:running"
        self.clearing = f"{prefix}campaigns:clearing"
        self.outbox = f"{prefix}campaigns:outbox"
        self.obstacle = f"{prefix}dial:obstacle"
        self.queued = f"{prefix}dial:queued"
        self.watch = f"{prefix}dial:watch"
        self.ticks = f"{prefix}dial:ticks"
        self.do_not_call = f"{prefix}do-not-call"

    def campaign(self, campaign: str, *rest: str) -> str:
        """A campaign's own key, or one of its parts."""
        return ":".join((f"{self.prefix}campaign", campaign, *rest))

    def contacts(self, campaign: str, shard: str) -> str:
        return self.campaign(campaign, "contacts", shard)

    def attempt(self, attempt: str) -> str:
        return f"{self.prefix}attempt:{attempt}"

    def sid(self, sid: str) -> str:
        return f"{self.prefix}dial:sid:{sid}"

    def called(self, number: str, from_number: str) -> str:
        return f"{self.prefix}called:{number}:{from_number}"
