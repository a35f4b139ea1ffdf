"""PURE: campaigns, contacts and attempts, as the store keeps them.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .spec import CampaignSpec

__all__ = [
    "TERMINAL_STATES",
    "AddResult",
    "Attempt",
    "AttemptState",
    "Blocked",
    "Campaign",
    "CampaignState",
    "Claims",
    "Contact",
    "ContactState",
    "Limits",
    "NewContact",
    "NoConsent",
    "Outcome",
    "Plan",
    "Progress",
]

CampaignState = Literal["draft", "running", "paused", "done", "canceled"]
TERMINAL_STATES = frozenset({"done", "canceled"})

ContactState = Literal["waiting", "live", "done"]
AttemptState = Literal["claimed", "unknown", "placed", "ended", "settled", "void"]
"""What is known of an attempt: `claimed` by a dialer that may be asking Twilio just now; `unknown`,
its answer never came; `placed`, its call has a SID; `ended`, Twilio has said how; `settled`,
its outcome is decided; `void`, no call was placed, so that it does not count."""

Outcome = Literal[
    "answered",
    "hung_up_early",
    "callback",
    "called_back",
    "voicemail",
    "message_left",
    "fax",
    "busy",
    "no_answer",
    "failed",
    "refused",
    "do_not_call",
    "no_consent",
    "expired",
    "canceled",
]
"""What became of an attempt, and at last of its contact.

`callback`: the person asked to be called later; `called_back`: they called us; `voicemail`: a
machine, hung up on; `message_left`: a machine, with our message; `refused`: Twilio does not take
the number; `no_consent`: an import said later that they do not consent; `expired`: no moment is
left in which they may be called; `canceled`: the campaign was.
"""

AddResult = Literal["added", "duplicate", "do_not_call", "withdrawn", "no_consent"]
"""What became of a row: `withdrawn`, a no for a contact, who is not called any more for that;
`no_consent`, a no for somebody else, or for a contact who was done."""

Blocked = Literal[
    "",
    "state",
    "early",
    "over",
    "rate",
    "concurrency",
    "account_rate",
    "account_concurrency",
    "workers",
    "inbound",
    "nothing_due",
]
"""Why no more contacts were claimed: the campaign does not run, has not begun or is over; a limit
of the campaign or of the account; no worker is alive that could take the call; the room for inbound
calls; nobody's time has come. Empty: as many were claimed as were asked for, or looked at as one
claim looks at."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a contact may be called next: from `due_ms` until before `until_ms`.

    `day` is their date then (ISO), for the attempts of one day.
    """

    due_ms: int
    until_ms: int
    day: str


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact that is imported.

    Attributes:
        number: E.164.
        zones: IANA names of the time zones in one of which the person is; never empty.
        variables: what the dialog is to know beside the name.
    """

    number: str
    zones: tuple[str, ...]
    name: str = ""
    language: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoConsent:
    """Somebody (E.164) of whom it is imported that they do not consent to be called."""

    number: str


@dataclass(slots=True)
class Contact:
    """One person of a campaign, by number.

    Attributes:
        attempts: how many calls were placed, or may have been.
        today: how many of them on `day`, the date of the last one where the person is.
        retries: how often each outcome was followed by another attempt.
        plan: when the next may be; None while one is live, and when there is none any more.
        attempt: id of the live attempt, or of the last one.
        outcome: of the last attempt, or `callback` when they called us and asked for a call later;
            final when `state` is done.
    """

    number: str
    zones: tuple[str, ...]
    name: str = ""
    language: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    state: ContactState = "waiting"
    attempts: int = 0
    today: int = 0
    day: str = ""
    retries: dict[str, int] = field(default_factory=dict)
    plan: Plan | None = None
    attempt: str = ""
    outcome: Outcome | None = None


@dataclass(slots=True)
class Attempt:
    """One call to one contact.

    Attributes:
        id: random; it travels in every URL of the call.
        ordinal: 1 for the contact's first.
        token: the fencing token; the store refuses what is said with an older one.
        claimed_ms: when it was written; no call was asked for before.
        lease_until_ms: until when its dialer may ask Twilio for the call.
        until_ms: the contact may not be dialled from then on.
        sid: of the call, once it is known.
        status: Twilio's last word, such as `ringing`.
        empties: how many lists of Twilio's did not have it, since it might have been in them.
        duration_s, minutes: from answer to end, and the minutes that are billed.
        answered_by: Twilio's verdict, such as `machine_start`.
        closed_ms: when its worker saw the call over, if Twilio had not told of it then.
        undialled: it was taken back before anybody's telephone rang.
        unwanted: the person asked not to be called, or an import said that they do not consent,
            before they had answered.
        talked: they called us meanwhile: the outcome of that, with which their contact is done if
            this attempt does not reach them, or `callback`, a call that they asked for; or
            `no_consent`, by an import.
        reason: why it failed or was refused, in words.
        usd: what speech and telephony cost, as far as that is known.
    """

    id: str
    campaign: str
    number: str
    from_number: str
    ordinal: int = 1
    state: AttemptState = "claimed"
    token: int = 1
    claimed_ms: int = 0
    lease_until_ms: int = 0
    until_ms: int = 0
    sid: str = ""
    status: str = ""
    placed_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    closed_ms: int | None = None
    settled_ms: int | None = None
    empties: int = 0
    duration_s: int | None = None
    minutes: int | None = None
    answered_by: str = ""
    undialled: bool = False
    unwanted: bool = False
    talked: Outcome | None = None
    outcome: Outcome | None = None
    reason: str = ""
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for all campaigns of the account together.

    Attributes:
        calls_per_second: None is no limit.
        max_concurrent: how many attempts may be live.
        inbound_room: how many calls the workers must have room for beside.
        lease_ms: how long a dialer may take to ask Twilio for a call.
    """

    calls_per_second: float | None
    max_concurrent: int
    inbound_room: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a claim gave.

    Attributes:
        attempts: written, and to be dialled at once.
        stale: contacts whose plan is over, and must be made anew (`CampaignStore.replan`).
        blocked: why there are no more.
        wait_ms: when that is about a rate or a time: how long until it may be otherwise; 0 when
            there are more to look at, at once.
    """

    attempts: list[Attempt] = field(default_factory=list)
    stale: list[Contact] = field(default_factory=list)
    blocked: Blocked = ""
    wait_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign and where it stands.

    Attributes:
        reason: why it is paused, done or canceled, in words.
        by_owner: whether that was its owner's will, and not Parley's.
        accepted_loss: whether its owner was told what a crash of this Redis may cost, and agreed.
        unreadable: its rules are not of this version of Parley, and `spec` says nothing: nobody is
            dialled for it.
    """

    id: str
    spec: CampaignSpec
    state: CampaignState
    reason: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    by_owner: bool = False
    accepted_loss: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The numbers of a campaign.

    Attributes:
        attempts: calls placed, or perhaps placed.
        done_attempts: how many of them were of contacts that are done.
        outcomes: of attempts that are settled.
        contact_outcomes: of contacts that are done, also of those whom nobody called.
        talked_s: seconds from answer to end, over all attempts.
        usd: what they cost, as far as that is known.
        due: contacts whose time has come; `next_due_ms` is when the next one's comes, and
            `last_due_ms` when that of the last one does, or did.
        placed_lately: attempts claimed in the last ten minutes, without those that came to no call.
        lately_from_ms: when the first minute of these ten began in which there were any.
        undelivered: events that the owner's webhook has not taken yet.
    """

    contacts: int
    waiting: int
    live: int
    done: int
    attempts: int
    done_attempts: int
    outcomes: dict[str, int]
    contact_outcomes: dict[str, int]
    talked_s: int
    usd: float
    due: int
    next_due_ms: int | None
    last_due_ms: int | None
    placed_lately: int
    lately_from_ms: int | None
    undelivered: int
