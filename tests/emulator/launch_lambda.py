"""Starts the Lambda service for the checks of the hub and for the demo.

The service is ministack, pinned in requirements.txt. It runs the program of a `provided.al2023` function behind a
Runtime API, as Lambda does. Like launch.py it listens on the loopback interface only, and prints one line
    listening on http://127.0.0.1:PORT

once it accepts connections. It exits when its lifetime has passed or the parent process has ended, and stops the
processes of its functions.
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
    """A free port for ministack. The system does not assign ports of this range to outgoing connections."""
    for port in random.sample(range(20000, 32000), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    sys.exit("no free port")


def set_environment(port, scratch):
    """Sets the environment of ministack and its functions. Of the caller's environment only PATH stays."""
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
            # The function's access key is this account id, which the emulator maps to the management account.
            "MINISTACK_ACCOUNT_ID": MANAGEMENT_ACCOUNT,
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "ERROR",
        }
    )


def announce(url):
    """Prints the address once the server answers. Otherwise the process ends, and the reader receives no line."""
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
    os.killpg(os.getpgid(0), signal.SIGKILL)  # an invocation is still running: kill the functions and this process


def end_functions():
    """Stops the programs of idle functions, which ministack leaves running."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", required=True, help="an empty directory, removed at the end")
    parser.add_argument("--lifetime", type=float, default=600, help="exit after this many seconds (default 600)")
    parser.add_argument("--parent", type=int, help="exit when the process with this id has ended")
    options = parser.parse_args()
    # With its own process group, this process can kill the processes of the functions in every case.
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)
    port = free_port()
    set_environment(port, options.scratch)
    threading.Thread(target=end_with, args=(options.parent, options.lifetime), daemon=True).start()
    threading.Thread(target=announce, args=(f"http://127.0.0.1:{port}",), daemon=True).start()
    sys.argv[1:] = []  # ministack parses the arguments as well
    sys.stdout = sys.stderr  # standard output has only the line with the address
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
