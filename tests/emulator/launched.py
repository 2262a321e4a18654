"""A server in a process of its own, begun by one of the launchers here and ended by the process id that it was begun with."""

import contextlib
import os
import signal
import subprocess
import sys

PREFIX = "listening on "


class Launched:
    """The server at `url`.

    It ends with its lifetime in seconds or with this process, whichever comes first, and with `end`. With `group` it has
    a session of its own: an interrupt at the terminal does not end it before what it started, and `end` ends all of that.
    """

    def __init__(self, launcher, lifetime, *options, group=False):
        command = [sys.executable, str(launcher), "--lifetime", str(lifetime), "--parent", str(os.getpid()), *options]
        self.group = group
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=group)
        try:
            line = self.process.stdout.readline()
            if not line.startswith(PREFIX):
                raise RuntimeError(f"{launcher.stem} did not start: {line!r}")
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
