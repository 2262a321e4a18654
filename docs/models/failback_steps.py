"""The steps of the model `failback`: owners, a sweep, failback runs and crashes, between the Regions A and B."""

from failback_state import HUB, OWNER, RETURN, covered, owned, plan, with_process, write


def moves_of(rules):
    """The function `moves` for one choice of rules."""

    def moves(s):
        in_a, in_b, failbacks, crashes, sweeps = s.budget
        kinds = [process[0] for process in s.processes]
        putting = any(process[:2] == ("sweep", "put") for process in s.processes)
        new = s.values + 1
        if in_a and (s.route == "active" or s.a_is_up):
            changed = {"a": s.a + ((new, OWNER),), "values": new, "replaced": s.replaced | {s.a[-1][0]}}
            yield f"the owner writes {new} in A", s.spend(0, **changed)
        if in_b and s.route == "failed over":
            changed = {"b": s.b + ((new, OWNER),), "values": new, "replaced": s.replaced | {s.b[-1][0]}}
            yield f"the owner writes {new} in B", s.spend(1, **changed)
        if s.route == "active" and not (putting and "drain" in rules):
            yield "failover; A is down", s._replace(route="failed over", a_is_up=False)
        if s.route == "failed over" and not s.a_is_up:
            yield "A returns", s._replace(a_is_up=True)
        if sweeps and s.route != "failed over":
            yield "a sweep begins", with_process(s.spend(4), ("sweep", "read", 0, 0))
        if s.route == "failed over" and s.a_is_up:
            if failbacks and not ("failback" in kinds and "lock" in rules):
                yield "a failback begins", with_process(s.spend(2), ("failback", "read", 0, 0))
            if "failback" not in kinds and plan(s, rules) in ("same", "keep A"):
                yield "finish", s._replace(route="active again")
        for place, process in enumerate(s.processes):
            rest = s._replace(processes=s.processes[:place] + s.processes[place + 1 :])
            kind, step, version_a, version_b = process
            after = list((sweep if kind == "sweep" else failback)(rest, step, version_a, version_b, rules))
            yield from ((f"{kind}: {label}", state) for label, state in after)
            if crashes:
                yield f"{kind}: crash before {step}", rest.spend(3)
                if step in ("put", "take over"):
                    done = rest.spend(3, **write(rest, kind, step, version_a, version_b))
                    yield f"{kind}: {step} is carried out, then a crash", done
                    sent_again = s.spend(3, **write(s, kind, step, version_a, version_b))
                    yield f"{kind}: {step} is carried out, and sent again", sent_again

    return moves


def unexpected(s, side, number, by, rules):
    """Whether a put that was decided on version `number` and answered another one must be reported."""
    between = side[number:]
    return bool(between) and not ("history" in rules and all(writer == by for _, writer in between))


def sweep(s, step, a, b, rules):
    """One step of a sweep: a label and the state after it, with the sweep ended unless it goes on."""
    if step == "read":
        if not s.a_is_up:
            yield "A cannot be read", s
        elif not owned(s, rules):
            yield "a conflict, reported", s._replace(reported=s.reported | covered(s) | {s.b[-1][0]})
        elif (len(s.a), len(s.b)) == s.base:
            yield "in sync", s
        else:
            yield f"reads A {len(s.a)}, B {len(s.b)}", with_process(s, ("sweep", "check", len(s.a), len(s.b)))
    elif step == "check":
        open_route = s.route != "failed over"
        yield "checks the state of the route", with_process(s, ("sweep", "put", a, b)) if open_route else s
    elif step == "put":
        written = s._replace(**write(s, "sweep", "put", a, b))
        if "answered" in rules and unexpected(s, s.b, b, HUB, rules):
            yield "put in B, unexpected, reported", written._replace(reported=s.reported | {s.b[-1][0]})
        else:
            yield "put in B", with_process(written, ("sweep", "stamp", a, len(written.b)))
    else:
        stands = len(s.b) == b and s.route != "failed over"
        yield "stamp", s._replace(base=(a, b)) if stands else s


def failback(s, step, a, b, rules):
    """One step of a failback run: a label and the state after it, with the run ended unless it goes on."""

    def to(step, a=0, b=0, state=s):
        return with_process(state, ("failback", step, a, b))

    take = "take over" if "take over" in rules and s.b[-1][1] != HUB else "stamp"
    if s.route != "failed over":
        yield "the route is not failed over", s
    elif step == "read":
        decided = plan(s, rules)
        if decided in ("same", "keep A"):
            yield decided, s
        elif decided == "conflict":
            found = covered(s) | {s.a[-1][0], s.b[-1][0]}
            yield "a conflict, reported", s._replace(reported=s.reported | found)
        else:
            yield decided, to(take if decided == "renew" else "read A again", len(s.a), len(s.b))
    elif step == "read A again":
        yield "reads A again", to("put", a, b) if len(s.a) == a else to("read")
    elif step == "put":
        written = s._replace(**write(s, "failback", "put", a, b))
        if "answered" in rules and unexpected(s, s.a, a, RETURN, rules):
            yield "put in A, unexpected, reported", written._replace(reported=s.reported | {s.a[-1][0]})
        else:
            after = "confirm" if "confirm b" in rules else "take over" if "take over" in rules else "stamp"
            yield "put in A", to(after, len(written.a), b, written)
    elif step == "confirm":
        yield "reads A and B again", to(take, a, b) if (len(s.a), len(s.b)) == (a, b) else to("read")
    elif step == "take over":
        written = s._replace(**write(s, "failback", "take over", a, b))
        if "answered" in rules and len(s.b) != b:
            yield "takes B over, unexpected, reported", written._replace(reported=s.reported | {s.b[-1][0]})
        else:
            yield "takes B over", to("stamp", a, len(written.b), written)
    else:
        moved = "confirm b" in rules and (len(s.a), len(s.b)) != (a, b)
        yield "stamp", to("read") if moved else s._replace(base=(a, b))
