"""A proxy before the emulator that simulates an owner: it changes a source right after the hub writes the replica.

The hub reads the source again after every write. If the source has changed, the hub repeats the item once; if the
source has changed again, the account remains. So the number of writes decides how many answers have `remaining`,
independent of the machine's load.
"""

import http.client
import http.server
import json
import threading
import urllib.parse

PASSES = 2  # the hub's passes over one item in one invocation


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(self.server.emulator, timeout=60)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            answered = answer.read()
        finally:
            connection.close()
        if answer.status == 200:
            self.server.owner.observe(self.headers, body)
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("connection", "content-length", "date", "server"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answered)))
        self.end_headers()
        self.wfile.write(answered)

    def log_message(self, *_):
        """Logs nothing: a line for each request would hide the output of the checks."""


class InterferingOwner:
    """A context manager that serves at `url`. Writes the source after each of the first `writes` writes of a replica."""

    def __init__(self, emulator, account, name, source, target, writes):
        self.name, self.target, self.left = name, target, writes
        self.ssm = emulator.client("ssm", account, source)
        self.ssm.put_parameter(Name=name, Value="0", Type="String")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.emulator = urllib.parse.urlsplit(emulator.url).netloc
        self.server.owner = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def observe(self, headers, body):
        """Handles a successful call."""
        if headers.get("X-Amz-Target") != "AmazonSSM.PutParameter" or self.left == 0:
            return
        region = headers["Authorization"].partition("Credential=")[2].split("/")[2]
        if region == self.target and json.loads(body)["Name"] == self.name:
            self.left -= 1
            self.ssm.put_parameter(Name=self.name, Value=f"{self.left} more", Type="String", Overwrite=True)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
