"""Starts the AWS emulator that the integration tests and the demo run against.

The emulator is moto, pinned in requirements.txt, with the gaps closed that matter to a replicator
(the package `patches`, one module a service). It listens on the loopback interface only, prints one
line once it accepts connections,

    listening on http://127.0.0.1:PORT

and ends itself when its lifetime has passed or the process that it serves is gone, so that no test
run can leave one behind. A request that breaks AWS's service model is refused (`validation`); with
`--count-requests` it prints at its end how many it held to their models. `--stock` serves moto without
any patch and any validation, for comparison.
"""

import argparse
import gc
import logging
import os
import sys
import threading
import time
import warnings

POLL_SECONDS = 0.5


def process_start(pid):
    """The start time of a live process, or None if it is gone (a zombie is gone).

    The start time tells a process from a later one that was given the same number.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
    try:  # no /proc on this system
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"


def wait_until_over(parent, lifetime):
    """Returns when the parent process has ended or the lifetime has passed."""
    deadline = time.monotonic() + lifetime
    started = process_start(parent) if parent else None
    while time.monotonic() < deadline:
        if parent and (started is None or process_start(parent) != started):
            break
        time.sleep(POLL_SECONDS)


def end_with(server, parent, lifetime):
    """Shuts the server down when the parent process has ended or the lifetime has passed."""
    wait_until_over(parent, lifetime)
    server.shutdown()


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free one")
    parser.add_argument("--lifetime", type=float, default=600, help="seconds, then it ends itself (600)")
    parser.add_argument("--parent", type=int, help="ends itself when the process of this id is gone")
    parser.add_argument("--stock", action="store_true", help="moto as it is, without the patches")
    parser.add_argument(
        "--sessions",
        choices=("both", "lists", "histories", "neither"),
        default="both",
        help="which answers of SSM show a role's session in LastModifiedUser (both)",
    )
    parser.add_argument("--count-requests", action="store_true", help="at its end, print how many requests it validated")
    options = parser.parse_args(arguments)
    if options.stock and options.sessions != "both":
        parser.error("--sessions needs the patches, which --stock leaves out")
    return options


def main():
    options = parse_arguments(sys.argv[1:])
    # moto reads it as it is imported: it would put every request into one account, whatever the credentials.
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    import keep_alive

    # A request a line would drown the output of the tests, and so would the types of resources that moto's stacks leave
    # out, a line each; tracebacks still come.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Tried to parse AWS::")
    validator = None
    if not options.stock:
        import patches
        import validation

        patches.install(options.sessions)
        validator = validation.Validator()
    server = keep_alive.serve(options.port, validator)
    # A call makes much garbage, and none of it in cycles: looking for cycles took a tenth of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    threading.Thread(target=end_with, args=(server, options.parent, options.lifetime), daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    if validator and options.count_requests:
        counts = validator.counts
        print(f"{counts['validated']} requests validated, {counts['refused']} refused", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
