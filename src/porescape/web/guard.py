"""Access control and security headers of the page.

Without a token, the page answers only requests to the local names of this computer, so that no other site
can reach it through its own name (DNS rebinding). For other addresses a token is required. Requests from
another site never change anything, whoever is logged in. The page itself may not load anything from
elsewhere.
"""

import html
import json
import secrets
import sys
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from porescape.errors import PorescapeError

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report is self-contained and loads nothing; the sandbox gives it a separate origin, so that its scripts
# have no access to the cookie and the jobs of the page.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts allow-downloads allow-modals"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
_SAFE = frozenset({"GET", "HEAD"})


class Guard:
    """The outermost layer of the server.

    Parameters
    ----------
    app : ASGI application
    token : str, optional
        Required for every request; None: only this computer has access, without a token.
    cookie : str
        Name of the cookie that stores it; cookies are shared by all ports, so the name must differ.
    """

    def __init__(self, app: ASGIApp, token: str | None, cookie: str = "porescape") -> None:
        self._app = app
        self._token = token
        self._cookie = cookie
        self.failure: PorescapeError | None = None  # why the application could not start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with a message."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._run_lifespan(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        send = _with_headers(send)
        refusal = self._refusal_of(scope["method"], headers)
        if refusal:
            await _answer(send, 403, refusal, headers)
        elif self._token is None or self._has_token(headers):
            await self._app(scope, receive, send)
        else:
            await self._accept_token(scope, headers, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and end the application; servers report only that it failed, so the reason is stored here."""

        async def sending(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                error = sys.exc_info()[1]
                self.failure = error if isinstance(error, PorescapeError) else None
            await send(message)

        await self._app(scope, receive, sending)

    def _refusal_of(self, method: str, headers: dict[str, str]) -> str:
        """Return why the origin of a request is not allowed; empty if it is."""
        host = headers.get("host", "")
        if self._token is None and _name_in(host) not in LOCAL_NAMES:
            return (
                f"the page is only available on this computer, and was requested as {host!r}; "
                "open it as http://127.0.0.1 or http://localhost"
            )
        if method in _SAFE:
            return ""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "this request came from another site; open the page itself and repeat it there"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "this request came from another site; open the page itself and repeat it there"
        return ""

    def _has_token(self, headers: dict[str, str]) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(given.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in cookies and self._is_token(cookies[self._cookie].value)

    async def _accept_token(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        """Store a token given in the address as a cookie, and remove it from the address."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "GET" and self._is_token(given):
            # not a redirect: it would still count as a request of the linking site, without the strict cookie
            page = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>porescape</title>'
            cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
            await _send(send, 200, "text/html; charset=utf-8", page, {"Set-Cookie": cookie})
            return
        words = "a token is needed: open the complete address that porescape printed when it started"
        await _answer(send, 401, words, headers)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), (self._token or "").encode())


def _name_in(host: str) -> str:
    """Return the name of a Host header, without its port.

    >>> _name_in("127.0.0.1:8321"), _name_in("[::1]:80"), _name_in("localhost")
    ('127.0.0.1', '[::1]', 'localhost')
    """
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", [])}
            more = [
                (name.lower().encode(), value.encode())
                for name, value in _HEADERS.items()
                if name.lower().encode() not in own
            ]
            if b"cache-control" not in own:
                more.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending


async def _answer(send: Send, status: int, words: str, headers: dict[str, str]) -> None:
    """Send a message: as a page to a browser, as JSON to a program."""
    if "text/html" in headers.get("accept", ""):
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>porescape</title>'
            f"<h1>porescape</h1><p>{html.escape(words)}</p></html>"
        )
        await _send(send, status, "text/html; charset=utf-8", page, {})
    else:
        await _send(send, status, "application/json", json.dumps({"error": words}), {})


async def _send(send: Send, status: int, kind: str, text: str, more: dict[str, str]) -> None:
    body = text.encode()
    headers = {"Content-Type": kind, "Content-Length": str(len(body))} | more
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
