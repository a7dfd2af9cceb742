"""A line to a server on this machine that can be cut, or throttled, while it is in use."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

THROTTLING = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"
    b"<Message>Rate exceeded</Message></Error></ErrorResponse>"
)


class State(Enum):
    """What becomes of a request."""

    OPEN = "passed on"
    THROTTLED = "answered as services that answer in XML do: too many requests"
    CUT = "the connection ends without an answer"


class FaultyLine:
    """Requests go to the server as long as the line is open.

    Attributes:
        state: of the line from now on.
        requests: how many came.
    """

    def __init__(self, endpoint: str) -> None:
        self.state = State.OPEN
        self.requests = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, endpoint))

    @property
    def address(self) -> str:
        """What takes the place of the endpoint."""
        return f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def faulty_line(endpoint: str) -> Iterator[FaultyLine]:
    """A line to the endpoint, until the block ends."""
    line = FaultyLine(endpoint)
    thread = threading.Thread(target=line.server.serve_forever)
    thread.start()
    try:
        yield line
    finally:
        line.server.shutdown()
        thread.join()
        line.server.server_close()


def _handler(line: FaultyLine, endpoint: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            line.requests += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if line.state is State.CUT:
                self.close_connection = True
                return
            if line.state is State.THROTTLED:
                self.send_response(400)
                self.send_header("Content-Length", str(len(THROTTLING)))
                self.end_headers()
                self.wfile.write(THROTTLING)
                return
            upstream = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_HEAD = pass_on  # noqa: N815 # http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
