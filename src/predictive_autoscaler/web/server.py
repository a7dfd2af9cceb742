"""The server: on this machine's loopback address, and nowhere else."""

from __future__ import annotations

import errno
import socket

import uvicorn
from starlette.types import ASGIApp

from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.web.guard import LOOPBACK

USUAL_PORT = 8765


def listening(port: int | None) -> socket.socket:
    """A socket that listens on the loopback address.

    Args:
        port: 0: any that is free; None: the usual one, or any if that is taken.

    Raises:
        UsageError: the port is taken, or not for this user.
    """
    wanted = USUAL_PORT if port is None else port
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and hasattr(socket, "AF_UNIX"):
            # Where a server was ended a moment ago; on Windows it would let two share a port.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((LOOPBACK, wanted))
        found.listen()
    except OSError as error:
        found.close()
        if port is None and error.errno == errno.EADDRINUSE:
            return listening(0)
        raise UsageError(
            f"--port is {wanted}: {error.strerror}; allowed is a free port from 1 to 65535, or 0 "
            "for any"
        ) from None
    return found


def run(app: ASGIApp, on: socket.socket) -> None:
    """Serve until told to end."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[on])
