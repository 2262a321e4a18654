"""One invocation of the hub that reconciles one parameter, as steps that other invocations can come between.

The models `confirm`, `crash` and `lag` share it. Assumptions: each step is one call and is atomic. The source has a
value, which also stands for its version, or is ABSENT. A delete restarts the version numbers of the replica. The date
of a write is unique.
"""

from functools import cache
from typing import NamedTuple

ABSENT = 0  # the value of a source that does not exist
NO_DATE = 0  # a create names no date: its tags and its value come in one call
NEW_DATE = -1  # the date of the last write, until `with_small_dates` gives it a number


class Rules(NamedTuple):
    """Which rules of design.md hold."""

    confirm: bool = True  # rule 6: after a write the source is read again
    rewrite: bool = True  # rule 6: the pass after a moved source writes, whatever provenance says
    proof: bool = True  # rules 2, 3: provenance names version and date, and follows only when the value was read back
    passes: int = 0  # rule 6: how many passes one invocation makes; 0 for any number


class Replica(NamedTuple):
    """The replica, and what its provenance names."""

    value: int
    version: int
    date: int
    named_source: int = ABSENT
    named_version: int = 0
    named_date: int = NO_DATE

    def is_in_sync(self, source, rules):
        """Whether provenance says that the replica equals the source."""
        if (self.named_source, self.named_version) != (source, self.version):
            return False
        if not rules.proof:
            return True
        return self.named_date == self.date or self.named_date == NO_DATE and self.version == 1


class Invocation(NamedTuple):
    """Where an invocation stands, and what it remembers."""

    step: str = "look"
    passes: int = 1  # the present pass
    moved: bool = False  # whether the source or the replica moved after the last write
    source: int = ABSENT  # the source as read
    version: int = 0  # the version that it wrote
    date: int = NO_DATE  # the date that it read back

    def at(self, step, source=ABSENT, version=0, date=NO_DATE):
        """The same pass at another step."""
        return Invocation(step, self.passes, self.moved, source, version, date)

    def once_more(self, rules, moved):
        """The next pass; None where the item stays pending."""
        if not rules.passes:
            return Invocation("look", 1, moved)
        return Invocation("look", self.passes + 1, moved) if self.passes < rules.passes else None


@cache
def advance(now, source, replica, rules):
    """The next step of an invocation: the invocation after it (None when it ends) and the replica after it."""
    step, read = now.step, now.source
    if step == "look":
        if source == ABSENT:
            return now.at("read source again" if replica else "confirm"), replica
        if replica is None:
            return now.at("create", source), replica
        believes = not (now.moved and rules.rewrite)
        return (None if believes and replica.is_in_sync(source, rules) else now.at("put", source)), replica
    if step == "read source again":
        return (now.at("delete") if source == ABSENT else now.once_more(rules, now.moved)), replica
    if step == "delete":
        return now.at("confirm"), None
    if step == "create":
        if replica is not None:  # ParameterAlreadyExists
            return now.once_more(rules, False), replica
        return now.at("confirm", read), Replica(read, 1, NEW_DATE, read, 1)
    if step == "put":  # an overwrite of a missing name creates it, without tags
        old = replica or Replica(ABSENT, 0, NO_DATE)
        written = old._replace(value=read, version=old.version + 1, date=NEW_DATE)
        return now.at("read back" if rules.proof else "stamp", read, written.version), written
    if step == "read back":
        if replica is None or (replica.version, replica.value) != (now.version, read):
            return now.once_more(rules, True), replica
        return now.at("stamp", read, now.version, replica.date), replica
    if step == "stamp":
        if replica is None:
            return now.once_more(rules, False), replica
        named = {"named_source": read, "named_version": now.version, "named_date": now.date}
        return now.at("confirm", read), replica._replace(**named)
    if source == read or not rules.confirm:
        return None, replica
    return now.once_more(rules, True), replica


@cache
def with_small_dates(replica, invocations):
    """Sorts the invocations and numbers the dates anew, so that equal situations are equal states."""
    numbers = {NO_DATE: NO_DATE}

    def number(date):
        return numbers.setdefault(date, len(numbers))

    if replica is not None:
        replica = replica._replace(date=number(replica.date), named_date=number(replica.named_date))
    dated = (one._replace(date=number(one.date)) if one.date else one for one in sorted(invocations))
    return replica, tuple(sorted(dated))


def sweep_alone(source, replica, rules):
    """The replica after one more invocation that nothing comes between."""
    invocation = Invocation()
    while invocation is not None:
        invocation, replica = advance(invocation, source, replica, rules)
        replica, _ = with_small_dates(replica, ())
    return replica
