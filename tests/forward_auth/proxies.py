"""The real nginx and Caddy in front of a real ``doorward serve`` and an application that tells what reached it.

The configurations are those of the how-to pages, read out of them, with ports, names and certificates of the test.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import unquote

import trustme

from tests.serving.client import free_port
from tests.support.served import Served, serving
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PROXIES = ("nginx", "caddy")
PASSWORD = "correct horse battery staple"

_NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
_CADDY = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"


def program(name: str) -> str | None:
    """Where a proxy is installed; root's folder of programs is not everybody's."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def documented(page: str, language: str) -> str:
    """The first block of a language on a how-to page."""
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def fitted(text: str, **replacements: str) -> str:
    """Put in what is the test's own; what the page does not say any more is a mistake here."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass
class Reached:
    """What the application saw of a request, or what was said instead."""

    status: int
    headers: list[tuple[str, str]]
    seen: dict[str, Any] | None

    def header(self, name: str) -> str | None:
        """One header of the answer."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def told(self, name: str) -> list[str]:
        """Every value under a name, read as generously as a CGI or WSGI server does."""
        assert self.seen is not None
        wanted = name.upper().replace("-", "_")
        return [value for key, value in self.seen["headers"] if key.upper().replace("-", "_") == wanted]

    @property
    def path(self) -> str:
        """The path that an application routes by: decoded, dots and doubled slashes resolved."""
        assert self.seen is not None
        parts: list[str] = []
        for part in unquote(self.seen["target"].partition("?")[0]).split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts)


class _Application(BaseHTTPRequestHandler):
    """Answers every request with what it saw."""

    protocol_version = "HTTP/1.1"

    def _tell(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"method": self.command, "target": self.path, "headers": list(self.headers.items())}).encode()
        self.send_response(200)
        self.send_header("X-Application", "reached")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = _tell  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@dataclass
class Site:
    """One proxy with everything behind it."""

    name: str
    port: int
    served: Served
    tls: ssl.SSLContext
    access: str
    admin: str
    cookie: str

    @property
    def origin(self) -> str:
        """What browsers see."""
        return f"https://localhost:{self.port}"

    def ask(self, method: str, target: str, *headers: tuple[str, str]) -> Reached:
        """Make one request, byte for byte as it is given."""
        connection = HTTPSConnection("localhost", self.port, context=self.tls, timeout=10)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", "0")
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
            reached = answer.getheader("X-Application") == "reached"
            return Reached(answer.status, answer.getheaders(), json.loads(body) if reached and body else None)
        finally:
            connection.close()

    def json(self, target: str, value: object, *headers: tuple[str, str]) -> tuple[Any, list[tuple[str, str]]]:
        """Post JSON to doorward through the proxy."""
        connection = HTTPSConnection("localhost", self.port, context=self.tls, timeout=10)
        try:
            connection.request("POST", target, json.dumps(value), {"Content-Type": "application/json", **dict(headers)})
            answer = connection.getresponse()
            body = answer.read()
            return json.loads(body) if body else None, answer.getheaders()
        finally:
            connection.close()


def bearer(token: str) -> tuple[str, str]:
    """Make the header of an access token."""
    return ("Authorization", f"Bearer {token}")


@contextmanager
def site(name: str, folder: Path) -> Iterator[Site]:
    """Run doorward, the application and one proxy until the block is over."""
    with ExitStack() as stack:
        port, inner = free_port(), free_port()
        served = stack.enter_context(
            serving(
                folder,
                DOORWARD_ORIGIN=f"https://localhost:{port}",
                DOORWARD_MOUNT_PATH="/auth",
                DOORWARD_SERVING__PORT=str(inner),
                DOORWARD_SERVING__BEHIND_PROXY="true",
                DOORWARD_SERVING__TRUSTED_PROXIES="127.0.0.1",
            )
        )
        application = stack.enter_context(_application())
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        chain, key = folder / "chain.pem", folder / "key.pem"
        certificate.private_key_and_cert_chain_pem.write_to_path(str(chain))
        certificate.private_key_pem.write_to_path(str(key))
        tls = ssl.create_default_context()
        authority.configure_trust(tls)
        replacements = {
            "/etc/ssl/example.com.pem": str(chain),
            "/etc/ssl/example.com.key": str(key),
            "127.0.0.1:8443": f"127.0.0.1:{inner}",
            "127.0.0.1:9000": f"127.0.0.1:{application}",
        }
        start = _nginx if name == "nginx" else _caddy
        stack.enter_context(_running(start(folder, port, replacements), port))
        made = Site(name, port, served, tls, access="", admin="", cookie="")
        _populate(made)
        yield made


def _nginx(folder: Path, port: int, replacements: dict[str, str]) -> list[str]:
    page = documented("protect-behind-nginx.md", "nginx")
    block = fitted(page, **{"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", **replacements})
    block = fitted(block, **{"server_name example.com": "server_name localhost"})
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, site=block))
    return [program("nginx") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, port: int, replacements: dict[str, str]) -> list[str]:
    block = fitted(documented("protect-behind-caddy.md", "caddy"), **replacements)
    block = fitted(block, **{"example.com {": f"https://localhost:{port} {{\n\tbind 127.0.0.1"})
    (folder / "Caddyfile").write_text(_CADDY + block)
    return [program("caddy") or "caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    folder = Path(command[-1]).parent if command[-1] != "caddyfile" else Path(command[3]).parent
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder / "xdg")}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert process.poll() is None, (folder / "proxy.log").read_text()
                assert time.monotonic() < deadline, "the proxy does not listen"
                threading.Event().wait(0.02)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def _application() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Application) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _populate(made: Site) -> None:
    """Let somebody in with a token and a cookie, and an administrator with a token."""
    for email in ("ada@example.test", "root@example.test"):
        made.served.run("account", "create", email, typed=PASSWORD)
    made.served.run("account", "set-role", "root@example.test", "admin")
    login = "/auth/v1/login"
    made.access = made.json(login, {"login": "ada@example.test", "password": PASSWORD})[0]["access_token"]
    made.admin = made.json(login, {"login": "root@example.test", "password": PASSWORD})[0]["access_token"]
    ours = ("Sec-Fetch-Site", "same-origin")
    _, headers = made.json(login, {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}, ours)
    made.cookie = next(value for name, value in headers if name.lower() == "set-cookie").partition(";")[0]
