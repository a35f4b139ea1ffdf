"""The judge of the rules' proof: told of every claim and of every call's end, it trusts nothing.

It reads clocks off the wall (`wall_clock`), keeps its own books of who was called when, and shares
no code with the rules or with the store.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from bot.campaign.spec import CampaignSpec, Retry
from bot.campaign.types import Attempt, Outcome, Plan

from .wall_clock import may_call, on_the_wall, turns_back

__all__ = ["Book", "Judge", "Ledger"]

HALF_HOUR_MS = 1_800_000
DAY_MS = 86_400_000
SETTLED_MS = 5_000
"""A dialer may know for so long of a campaign that runs again not yet."""


@dataclass(slots=True)
class Book:
    """What the judge knows of one contact.

    Attributes:
        days: calls by date where the person is.
        retried: calls after each outcome.
        from_ms: the next call may not be before.
        shared: another campaign has the number too.
        once_more: they asked for a call at the last attempt.
    """

    zones: tuple[str, ...]
    plan: Plan | None
    shared: bool = False
    attempts: int = 0
    days: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    from_ms: int = 0
    live: bool = False
    once_more: bool = False
    outcome: Outcome | None = None


@dataclass(slots=True)
class Ledger:
    """What the judge knows of one campaign.

    Attributes:
        holidays: dates of the countries that the campaign names.
        since_ms: when it began to run, or None.
    """

    spec: CampaignSpec
    holidays: frozenset[str]
    contacts: dict[str, Book]
    since_ms: int | None = None
    live: int = 0
    most_live: int = 0
    claims: deque[int] = field(default_factory=lambda: deque(maxlen=1000))
    _waiting: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in self.contacts:
            self.wait(number)

    def wait(self, number: str) -> None:
        """A contact has a plan."""
        book = self.contacts[number]
        if book.plan is not None:
            heapq.heappush(self._waiting, (book.plan.due_ms, number))

    def first_due(self, now_ms: int, refused: Set[str]) -> str | None:
        """Somebody who may be called now by their plan."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            due_ms, number = self._waiting[0]
            book = self.contacts[number]
            plan = book.plan
            planned = plan is not None and plan.due_ms == due_ms and now_ms < plan.until_ms
            # A number that others have too may be kept waiting by them.
            if planned and number not in refused and not book.shared:
                return number
            heapq.heappop(self._waiting)
        return None


class Judge:
    """Checks everything that happens; `faults` says what was not allowed.

    Args:
        ledgers: by campaign.
        per_second, most: the account's limits.
        places: how many calls the workers take, but for what inbound ones have and are kept.
    """

    def __init__(
        self, ledgers: Mapping[str, Ledger], per_second: float, most: int, places: int
    ) -> None:
        self.ledgers = ledgers
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.most_live = 0
        self._per_second = per_second
        self._most = min(most, places)
        self._claims: deque[int] = deque(maxlen=1000)
        self._numbers: set[str] = set()
        self._lowest: tuple[int, str] | None = None

    @property
    def live(self) -> int:
        """How many calls there are."""
        return len(self._numbers)

    def check(self, right: bool, rule: str, *what: object) -> None:
        """Count a check of that rule, and write down what was wrong."""
        self.counts[rule] += 1
        if not right:
            self.faults.append(f"{rule}: {' '.join(map(str, what))}")

    def claimed(self, attempt: Attempt, now_ms: int) -> None:
        """Somebody is dialled."""
        ledger = self.ledgers[attempt.campaign]
        number, book, spec = attempt.number, ledger.contacts[attempt.number], ledger.spec
        day = on_the_wall(now_ms, book.zones[0]).date().isoformat()
        in_window = may_call(spec, book.zones, now_ms) and day not in ledger.holidays
        self.check(in_window, "in the window", number, book.zones, now_ms)
        self.check(ledger.since_ms is not None, "while the campaign runs", number, now_ms)
        self.check(number not in self.refused, "not on the do-not-call list", number)
        self.check(number not in self._numbers, "one call per number", number)
        self.check(now_ms >= book.from_ms, "not before the delay", number, now_ms, book.from_ms)
        final = book.outcome is not None and book.plan is None
        self.check(not final, "not after the last", number, book.outcome)
        book.attempts, book.live, book.plan = book.attempts + 1, True, None
        book.days[day] += 1
        most = spec.attempts + book.once_more
        self.check(book.attempts <= most, "attempts in all", number, book.attempts)
        self.check(book.days[day] <= spec.attempts_per_day, "attempts per day", number, day)
        self._numbers.add(number)
        ledger.live += 1
        self._pace(attempt.campaign, ledger, now_ms)
        rank = (spec.priority, attempt.campaign)
        self._lowest = min(self._lowest or rank, rank)

    def _pace(self, campaign: str, ledger: Ledger, now_ms: int) -> None:
        """How many at a time, and how fast."""
        self.most_live = max(self.most_live, self.live)
        ledger.most_live = max(ledger.most_live, ledger.live)
        self.check(ledger.live <= ledger.spec.max_concurrent, "calls of a campaign", campaign)
        self.check(self.live <= self._most, "calls of the account", self.live)
        if (rate := ledger.spec.calls_per_second) is not None:
            right = _paced(ledger.claims, rate, now_ms)
            self.check(right, "rate of a campaign", campaign, now_ms)
        right = _paced(self._claims, self._per_second, now_ms)
        self.check(right, "rate of the account", now_ms)
        ledger.claims.append(now_ms)
        self._claims.append(now_ms)

    def void(self, attempt: Attempt, plan: Plan | None, from_ms: int) -> None:
        """The call was not placed: the attempt does not count, the delay does."""
        ledger = self.ledgers[attempt.campaign]
        book = self._hung_up(ledger, attempt)
        day = on_the_wall(attempt.claimed_ms, book.zones[0]).date().isoformat()
        book.attempts -= 1
        book.days[day] -= 1
        book.from_ms, book.plan = from_ms, plan
        self._plan(ledger, attempt.number, book, from_ms, 0)

    def ended(
        self, attempt: Attempt, outcome: Outcome, plan: Plan | None, now_ms: int, back_s: int | None
    ) -> None:
        """The call is over, and that is the plan for the next one."""
        ledger = self.ledgers[attempt.campaign]
        book, spec, number = self._hung_up(ledger, attempt), ledger.spec, attempt.number
        book.outcome, book.plan = outcome, plan
        if outcome == "do_not_call":
            self.refused.add(number)
        retry = {str(name): rule for name, rule in spec.retry.items()}.get(outcome)
        asked = outcome == "callback" and back_s is not None
        # Who asks for it at the last attempt is called once more.
        last = book.attempts >= spec.attempts
        book.once_more |= asked and last and not book.retried["callback"]
        last &= not (asked and not book.retried["callback"])
        if retry is None or last or _spent(retry, book, outcome):
            self.check(plan is None, "no call after the last", number, outcome, book.attempts)
            return
        delay_ms = (back_s or 0) * 1000 if asked else retry.after_s * 1000
        book.from_ms = now_ms + delay_ms
        book.retried[outcome] += plan is not None
        jitter_ms = 0 if asked else delay_ms * spec.retry_jitter
        self._plan(ledger, number, book, book.from_ms, jitter_ms)

    def _plan(
        self, ledger: Ledger, number: str, book: Book, from_ms: int, jitter_ms: float
    ) -> None:
        """Whether a plan is late enough, and no later than it has to be."""
        spec, plan = ledger.spec, book.plan
        ledger.wait(number)
        if plan is None:
            open_ms = self._next_open(ledger, book, int(from_ms + jitter_ms))
            self.check(open_ms is None, "nobody is given up", number, from_ms, open_ms)
            return
        self.check(plan.due_ms >= from_ms, "plans after the delay", number, plan)
        right = may_call(spec, book.zones, plan.due_ms)
        right &= may_call(spec, book.zones, plan.until_ms - 1)
        right &= on_the_wall(plan.due_ms, book.zones[0]).date().isoformat() == plan.day
        self.check(right, "plans in the window", number, plan)
        latest_ms = int(from_ms + jitter_ms) + 1
        if self._open(ledger, book, from_ms) and self._open(ledger, book, latest_ms):
            # Of a start that is shown twice the rules take the second.
            right = plan.due_ms <= latest_ms or any(turns_back(z, from_ms) for z in book.zones)
            self.check(right, "plans no later", number, plan, latest_ms)

    def _next_open(self, ledger: Ledger, book: Book, from_ms: int) -> int | None:
        ends_at = ledger.spec.ends_at
        end_ms = from_ms + 8 * DAY_MS if ends_at is None else int(ends_at.timestamp() * 1000)
        moments = range(from_ms, end_ms, HALF_HOUR_MS)
        return next((at_ms for at_ms in moments if self._open(ledger, book, at_ms)), None)

    def _open(self, ledger: Ledger, book: Book, at_ms: int) -> bool:
        day = on_the_wall(at_ms, book.zones[0]).date().isoformat()
        left = book.days[day] < ledger.spec.attempts_per_day and day not in ledger.holidays
        return left and may_call(ledger.spec, book.zones, at_ms)

    def _hung_up(self, ledger: Ledger, attempt: Attempt) -> Book:
        book = ledger.contacts[attempt.number]
        self.check(book.live, "what is over was live", attempt.number)
        book.live = False
        ledger.live -= 1
        self._numbers.discard(attempt.number)
        return book

    def replanned(self, campaign: str, number: str, plan: Plan | None, now_ms: int) -> None:
        """The plan of a waiting contact was over: that is the next one."""
        ledger = self.ledgers[campaign]
        ledger.contacts[number].plan = plan
        self._plan(ledger, number, ledger.contacts[number], now_ms, 0)

    # Who goes first

    def instant(self, now_ms: int) -> None:
        """All dialers have had their turn: nobody of a higher priority was passed over."""
        lowest, self._lowest = self._lowest, None
        for campaign, ledger in self.ledgers.items():
            if lowest is not None and ledger.spec.priority > lowest[0]:
                passed = self._could_claim(ledger, now_ms)
                self.check(passed is None, "higher priority first", campaign, passed, now_ms)

    def _could_claim(self, ledger: Ledger, now_ms: int) -> str | None:
        """A contact that nothing kept from being called."""
        spec = ledger.spec
        if ledger.since_ms is None or now_ms - ledger.since_ms < SETTLED_MS:
            return None
        if ledger.live >= spec.max_concurrent:
            return None
        # As long as two calls at its rate are apart, one may be in the way.
        rate = spec.calls_per_second
        if rate is not None and ledger.claims and now_ms - ledger.claims[-1] <= 1000 / rate + 1:
            return None
        return ledger.first_due(now_ms, self.refused)


def _spent(retry: Retry, book: Book, outcome: Outcome) -> bool:
    return retry.times is not None and book.retried[outcome] >= retry.times


def _paced(claims: deque[int], rate: float, now_ms: int) -> bool:
    """Whether one more keeps the rate: from the last one, and in any window of a second."""
    if claims and now_ms - claims[-1] < int(1000 / rate):
        return False
    in_a_second = math.ceil(rate)
    return len(claims) < in_a_second or now_ms - claims[-in_a_second] >= 1000
