"""An owner who writes a source just after the hub wrote its replica: a proxy before the emulator.

The hub reads the source again after every write. If it moved, the item goes round once more, and if it moved again the
account remains. So the first so many writes decide how many answers have `remaining`, whatever the machine's load.
"""

import http.client
import http.server
import json
import threading
import urllib.parse

ROUNDS = 2  # that the hub goes with one item in one invocation


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
            self.server.owner.saw(self.headers, body)
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("connection", "content-length", "date", "server"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answered)))
        self.end_headers()
        self.wfile.write(answered)

    def log_message(self, *_):
        """A line a request would drown the checks' output."""


class Restless:
    """Serves at `url` while it is entered; writes the source after each of the first `writes` writes of its replica."""

    def __init__(self, emulator, account, name, source, target, writes):
        self.name, self.target, self.left = name, target, writes
        self.ssm = emulator.client("ssm", account, source)
        self.ssm.put_parameter(Name=name, Value="0", Type="String")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.emulator = urllib.parse.urlsplit(emulator.url).netloc
        self.server.owner = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def saw(self, headers, body):
        """Looks at a call that was done."""
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
