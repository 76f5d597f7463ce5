"""A real Chromium in front of a real server over real TLS.

The tests here are plain functions: Playwright's synchronous interface wants no event loop around it. A page that fails
a check of ours is looked at with ``page.screenshot(path=…)``.
"""

import base64
import hashlib
import shutil
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.served import Served, serving

_FLAGS = [
    "--no-sandbox",  # CI is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Start the driver. Not for longer than a module: the thread looks like one with a running event loop meanwhile."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a fresh instance."""
    with serving(tmp_path_factory.mktemp("served")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, served: Served) -> Iterator[Browser]:
    """Lend a browser that trusts the key of the server's development certificate, and no other."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is missing: sudo apt-get install chromium")
    pin = f"--ignore-certificate-errors-spki-list={_pin_of(served)}"
    browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, pin])
    yield browser
    browser.close()


def _pin_of(served: Served) -> str:
    leaf = x509.load_pem_x509_certificate((served.authority.parent / "server.pem").read_bytes())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")
