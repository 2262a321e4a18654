"""A server in a separate process, started by one of the launchers here and stopped by its process id."""

import contextlib
import os
import signal
import subprocess
import sys

PREFIX = "listening on "


class Launched:
    """The server at `url`.

    The server stops when its lifetime in seconds has passed, when this process ends, or on `end`. With `group` the
    server has its own session: an interrupt at the terminal does not stop it, and `end` also stops its children.
    """

    def __init__(self, launcher, lifetime, *options, group=False):
        command = [sys.executable, str(launcher), "--lifetime", str(lifetime), "--parent", str(os.getpid()), *options]
        self.group = group
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=group)
        try:
            line = self.process.stdout.readline()
            if not line.startswith(PREFIX):
                raise RuntimeError(f"{launcher.stem} did not start; its first line is {line!r}")
        except BaseException:
            self.end()
            raise
        self.url = line.removeprefix(PREFIX).strip()

    def end(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            if self.group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait(timeout=10)
        self.process.stdout.close()
