"""Starts the Lambda service that the checks of the hub and the demo run against.

It is ministack, pinned in requirements.txt: it runs the program of a `provided.al2023` function natively,
behind a Runtime API, as Lambda does. Like launch.py it listens on the loopback interface only, prints

    listening on http://127.0.0.1:PORT

once it accepts connections, and ends itself, the function's processes with it, when its lifetime has passed
or the process that it serves is gone.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

from emulator import MANAGEMENT_ACCOUNT
from launch import wait_until_over

START_SECONDS = 60
GRACE_SECONDS = 8


def free_port():
    """ministack must be told its port. These are not given to clients' connections, so nobody takes it meanwhile."""
    for port in random.sample(range(20000, 32000), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    sys.exit("no free port")


def settle_environment(port, scratch):
    """What ministack and, through it, the function see: nothing of the caller's but where programs are."""
    path = os.environ.get("PATH", os.defpath)
    os.environ.clear()
    os.environ.update(
        {
            "PATH": path,
            "HOME": scratch,
            "TMPDIR": scratch,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            # The function's access key is this account's number, which the emulator takes for the management account.
            "MINISTACK_ACCOUNT_ID": MANAGEMENT_ACCOUNT,
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "ERROR",
        }
    )


def announce(url):
    """Tells the address once it answers; without an answer ends the process, and the reader sees no line."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            print(f"listening on {url}", file=sys.__stdout__, flush=True)
            return
    os.kill(os.getpid(), signal.SIGTERM)


def end_with(parent, lifetime):
    wait_until_over(parent, lifetime)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)  # an invocation that does not end: the function and this process


def end_functions():
    """ministack leaves the programs of warm functions behind as it ends."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", required=True, help="an empty folder, removed at the end")
    parser.add_argument("--lifetime", type=float, default=600, help="seconds, then it ends itself (600)")
    parser.add_argument("--parent", type=int, help="ends itself when the process of this id is gone")
    options = parser.parse_args()
    # A group of its own, so that the functions' processes can be ended with it whatever happens.
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)
    port = free_port()
    settle_environment(port, options.scratch)
    threading.Thread(target=end_with, args=(options.parent, options.lifetime), daemon=True).start()
    threading.Thread(target=announce, args=(f"http://127.0.0.1:{port}",), daemon=True).start()
    sys.argv[1:] = []  # ministack reads them too
    sys.stdout = sys.stderr  # standard output is for the one line
    try:
        from ministack import app

        app.main()
    except KeyboardInterrupt:
        pass
    finally:
        end_functions()
        shutil.rmtree(options.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
