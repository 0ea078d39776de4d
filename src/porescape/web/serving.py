"""Start the page: choose a port, a token if one is needed, and the address to open."""

import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from porescape.errors import MissingExtra, OutputError, SettingsError

PORT = 8321
SHUTDOWN_TIMEOUT = 3  # seconds for open connections when the server is stopped


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    token: bool = False,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until it is stopped (Ctrl-C).

    Parameters
    ----------
    folder : Path
        Folder of the jobs.
    host : str
        Address to listen on; a token is required for all but local addresses.
    port : int, optional
        8321 by default, or a free port if that is in use.
    token : bool
        Require a token for local addresses too, for computers with several users.
    ready : callable
        Called with the address to open, including the token.

    Raises
    ------
    MissingExtra
        The packages of the extra `web` are not installed.
    SettingsError, OutputError
        Host or port cannot be used; the folder cannot be used.
    """
    try:
        import uvicorn

        from porescape.web.server import make_app
    except ImportError as error:
        if error.name and error.name.startswith("porescape"):
            raise
        raise MissingExtra(
            f"the page needs {error.name}, which is not installed; install the extra: "
            'pip install "porescape[web]"'
        ) from error
    listening = _listen(host, port)
    number = listening.getsockname()[1]
    secret = secrets.token_urlsafe(24) if token or not is_local(host) else None
    address = f"http://{_name_of(host)}:{number}/" + (f"?token={secret}" if secret else "")
    app = make_app(folder, token=secret, cookie=f"porescape-{number}")
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would contain the token
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )
    log = logging.getLogger("uvicorn.error")

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            log.disabled = True  # the reason of a failed start is reported below
            await super().startup(sockets)
            log.disabled = False
            if self.started:
                ready(address)

    try:
        Server(config).run([listening])
    except SystemExit as error:  # uvicorn's answer to a start that failed
        raise app.failure or OutputError("the page could not start") from error
    finally:
        log.disabled = False
        listening.close()
    if app.failure is not None:
        raise app.failure


def is_local(host: str) -> bool:
    """Return whether an address is reachable only from this computer.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0"), is_local("::1")
    (True, True, False, True)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int | None) -> socket.socket:
    """Return a socket on the given port; by default on 8321, or on a free port if that is in use."""
    if port is not None and not 0 <= port <= 65535:
        raise SettingsError(f"port must be a number from 0 to 65535, got {port}")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise SettingsError(
            f"--host {host!r} is not an address of this computer: {error.strerror or error}"
        ) from error
    problem: OSError | None = None
    for number in (PORT, 0) if port is None else (port,):
        listening = socket.socket(family, kind, protocol)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would share a port that is in use
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((where[0], number, *where[2:]))
            listening.listen(256)
            return listening
        except OSError as error:
            listening.close()
            problem = error
    words = problem.strerror if problem is not None else "no port"
    raise OutputError(
        f"port {port or PORT} of {host} cannot be used ({words}); choose another --port"
    ) from problem


def _name_of(host: str) -> str:
    """Return the host name for the address to open."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
