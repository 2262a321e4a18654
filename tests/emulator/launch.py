"""Starts the AWS emulator for the integration tests and the demo.

The emulator is moto, pinned in requirements.txt. The package `patches` adds rules of AWS that moto lacks and the
replicator depends on, one module for each service. The emulator listens on the loopback interface only. Once it
accepts connections it prints one line:

    listening on http://127.0.0.1:PORT

It exits when its lifetime has passed or the parent process has ended, so that no test run leaves one behind. It
refuses requests that violate AWS's service model (module `validation`); with `--count-requests` it prints at its
end how many requests it validated. `--stock` serves moto without patches and validation, for comparison.
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
    """The start time of a running process, or None if the process has ended (a zombie has ended).

    The start time distinguishes a process from a later process with the same id.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
    try:  # for systems without /proc
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
    parser.add_argument("--port", type=int, default=0, help="default 0: any free port")
    parser.add_argument("--lifetime", type=float, default=600, help="exit after this many seconds (default 600)")
    parser.add_argument("--parent", type=int, help="exit when the process with this id has ended")
    parser.add_argument("--stock", action="store_true", help="serve moto without the patches")
    parser.add_argument(
        "--sessions",
        choices=("both", "lists", "histories", "neither"),
        default="both",
        help="the SSM operations that include a role's session in LastModifiedUser (default both)",
    )
    parser.add_argument("--count-requests", action="store_true", help="at the end, print how many requests it validated")
    options = parser.parse_args(arguments)
    if options.stock and options.sessions != "both":
        parser.error("--sessions needs the patches, which --stock leaves out")
    return options


def main():
    options = parse_arguments(sys.argv[1:])
    # moto reads this variable on import and would then assign every request to that account.
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    import keep_alive

    # One log line for each request, and for each resource type that moto's stacks skip, would hide the output of the
    # tests. Tracebacks are still logged.
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
    # A call creates much garbage but few cycles. The search for cycles took a tenth of the time.
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
