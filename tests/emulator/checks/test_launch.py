"""The launcher: its address, its counters and its end."""

import subprocess
import sys
import time
import unittest
import urllib.request
from http.client import HTTPConnection
from urllib.parse import urlsplit

from emulator import LAUNCHER, Emulator

from .base import Check


class LaunchCheck(Check):
    def test_counts_the_calls(self):
        before = self.world.emulator.calls()
        for _ in range(3):
            self.put(Overwrite=True)
        self.ssm.get_parameters(Names=[self.name])
        counted = self.world.emulator.calls() - before
        self.assertEqual({"AmazonSSM.PutParameter": 3, "AmazonSSM.GetParameters": 1}, counted)

    def test_keeps_the_connection_open(self):
        connection = HTTPConnection(urlsplit(self.world.emulator.url).netloc, timeout=10)
        connection.connect()
        first = connection.sock
        for _ in range(3):
            connection.request("GET", "/moto-api/data.json")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(200, answer.status)
            self.assertIs(first, connection.sock)
        connection.close()

    def test_ends_with_its_parent(self):
        parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.ends_after(["--parent", str(parent.pid)], lambda: (parent.communicate(b"\n"), parent.wait()))

    def test_ends_with_its_lifetime(self):
        self.ends_after(["--lifetime", "1"], lambda: time.sleep(1))

    def ends_after(self, options, event):
        command = [sys.executable, str(LAUNCHER), "--lifetime", "60", *options]
        launcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            self.assertRegex(launcher.stdout.readline(), r"^listening on http://127\.0\.0\.1:\d+\n$")
            event()
            self.assertEqual("", launcher.communicate(timeout=20)[0], "the launcher prints exactly one line")
            self.assertEqual(0, launcher.returncode)
        finally:
            launcher.kill()
            launcher.wait()


class StockCheck(unittest.TestCase):
    def test_stock_is_moto_without_patches(self):
        with Emulator(lifetime=60, stock=True) as emulator:
            with urllib.request.urlopen(emulator.url + "/moto-api/data.json", timeout=10) as answer:
                self.assertEqual(200, answer.status)
            self.assertTrue(emulator.assume("arn:aws:iam::999999999999:role/nobody", "check"), "moto ignores trust policies")
