"""An HTTP/1.1 server for moto that keeps connections open.

Werkzeug's own handler waits 10 ms after every answer and then closes the connection. AWS does neither, and both
would distort measurements.

The server counts calls by operation. `GET /calls` returns the counts, such as `{"AmazonSSM.GetParameters": 3}`, so
that checks can count the calls of the replicator.
"""

import collections
import io
import json
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.debug.tbtools import DebugTraceback
from werkzeug.serving import ThreadedWSGIServer


class KeepAliveHandler(MotoRequestHandler):
    """Reads the whole body of a request before the application runs, so that the next bytes are the next request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # send head and body together

    def run_wsgi(self):
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):  # a chunked body
            body = environ["wsgi.input"].read()
            environ["CONTENT_LENGTH"] = str(len(body))
        else:
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        self.answer(*self.call_application(environ, body))

    def call_application(self, environ, body):
        """Answers `GET /calls` and passes every other request to the application."""
        if environ["PATH_INFO"] == "/calls":
            with self.server.counting:
                return "200 OK", [("Content-Type", "application/json")], json.dumps(self.server.calls).encode()
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            with self.server.counting:
                self.server.calls[target] += 1
        refused = self.server.validator and self.server.validator.refusal(environ, body)
        return refused or self.run_application(environ)

    def run_application(self, environ):
        """Runs the application and returns status, headers and the whole body."""
        started = []

        def start_response(status, headers, exc_info=None):
            started[:] = [status, headers]

        try:
            chunks = self.server.app(environ, start_response)
            try:
                body = b"".join(chunks)  # first, because an application may call start_response while the body is read
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
            return (*started, body)
        except Exception as error:  # moto may raise anything; the answer is status 500 with the traceback
            self.server.log("error", f"{self.requestline}\n{DebugTraceback(error).render_traceback_text()}")
            return "500 Internal Server Error", [("Content-Type", "text/plain")], b"the emulator failed: see its log"

    def answer(self, status, headers, body):
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for key, value in headers:
            if key.lower() not in ("content-length", "connection"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


class CountingServer(ThreadedWSGIServer):
    """A server that counts calls in all threads and holds the optional validator of requests."""

    def __init__(self, *arguments, validator):
        self.calls, self.counting = collections.Counter(), threading.Lock()
        self.validator = validator
        super().__init__(*arguments)


def serve(port, validator=None):
    """A server on the loopback interface that accepts connections. Port 0 selects a free port."""
    application = DomainDispatcherApplication(create_backend_app)
    return CountingServer("127.0.0.1", port, application, KeepAliveHandler, validator=validator)
