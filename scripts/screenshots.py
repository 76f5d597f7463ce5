"""Take a picture of every page in light, dark, narrow and right-to-left form, from a real server, for the docs.

``make screenshots`` runs it. Pictures are palette PNGs in ``docs/pictures/pages/``, named ``PAGE-FORM.png``; they are
looked at by people, no test compares them.
"""

import base64
import hashlib
import shutil
import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.house import PASSWORD
from tests.support.served import Served, serving

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "pages"
ADA = "ada@example.com"
FORMS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 800, "height": 640}, "locale": "en-GB"},
    "dark": {"viewport": {"width": 800, "height": 640}, "locale": "en-GB", "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 568}, "locale": "de-DE"},
    "rtl": {"viewport": {"width": 800, "height": 640}, "locale": "ar-EG"},
}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 "
    "Mobile/15E148 Safari/604.1"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


def main(arguments: list[str]) -> None:
    """Take all pictures, or those of the forms that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served, sync_playwright() as playwright:
        pin = f"--ignore-certificate-errors-spki-list={pin_of(served)}"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", pin])
        with served.client() as client:
            client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD, "username": "ada",
                                              "profile": {"name": "Ada Lovelace"}})  # fmt: skip
            for agent in (IPHONE, WINDOWS):
                client.post("/v1/login", json={"login": ADA, "password": PASSWORD, "transport": "cookie"},
                            headers={"User-Agent": agent, "Origin": served.origin})  # fmt: skip
                client.cookies.clear()
        for form in arguments or FORMS:
            take(browser, served, form)
        browser.close()


def take(browser: Browser, served: Served, form: str) -> None:
    """Go through all pages in one form."""
    with browser.new_context(base_url=served.origin, **FORMS[form]) as context:
        page = context.new_page()

        def keep(name: str) -> None:
            page.wait_for_load_state()
            page.evaluate("document.activeElement?.blur()")
            (FOLDER / f"{name}-{form}.png").write_bytes(with_palette(page.screenshot(full_page=True)))

        visit(page, keep)


def visit(page: Page, keep: Callable[[str], None]) -> None:
    """Walk through the pages as somebody would."""
    page.goto("/login")
    keep("login")
    page.locator("#login").fill(ADA)
    page.locator("#password").fill("not the password")
    page.locator("main button[type=submit]").click()
    keep("login-mistake")
    page.goto("/register")
    page.locator("#email").fill("grace@example.com")
    page.locator("#password").fill("cobalt teapot")
    page.locator("[data-score='3'], [data-score='4'], [data-score='2']").wait_for()
    keep("register")
    page.goto("/nowhere")
    keep("not-found")
    for name in ("forgot", "sign-in"):
        page.goto(f"/{name}")
        keep(name)
    for name in ("verify", "reset", "undo", "invitation"):
        page.goto(f"/{name}?challenge=x")
        keep(name)
    page.goto("/login")
    page.locator("#login").fill(ADA)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/account")
    keep("account")
    page.goto("/account/password")
    page.locator("#current_password").fill("not the password")
    page.locator("#new_password").fill("another pass phrase of mine")
    page.locator("main button[type=submit]").click()
    keep("password")
    for name in ("email", "sessions", "leave"):
        page.goto(f"/account/{name}")
        keep(name)
    page.goto("/logout")
    keep("logout")
    page.locator("main button[type=submit]").click()
    page.locator("main .button").wait_for()
    keep("logged-out")


def pin_of(served: Served) -> str:
    """The hash of the key of the server's certificate, for the browser to trust it."""
    leaf = x509.load_pem_x509_certificate((served.authority.parent / "server.pem").read_bytes())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")


# --- palette PNGs ---------------------------------------------------------------------------------------------------


def with_palette(png: bytes) -> bytes:
    """Write a PNG of a browser anew with the 256 colours that say most; a third of the size."""
    width, height, rows = pixels_of(png)
    counts: Counter[bytes] = Counter()
    for row in rows:
        counts.update(row)
    palette = [colour for colour, _ in counts.most_common(256)]
    index = {colour: place for place, colour in enumerate(palette)}
    for colour in counts:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda place: distance(palette[place], colour))
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def distance(one: bytes, other: bytes) -> int:
    """How different two colours are."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG (§5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels_of(png: bytes) -> tuple[int, int, list[list[bytes]]]:
    """Read a PNG with 8 bits a channel and no interlacing, which is what browsers write (§9 for the filters)."""
    width, height, _depth, kind = struct.unpack(">IIBB", png[16:26])
    channels = {2: 3, 6: 4}[kind]
    data, place = b"", 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    raw, step = zlib.decompress(data), width * channels
    before, rows = bytearray(step), []
    for line in range(height):
        start = line * (step + 1)
        now = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + step]), before, channels)
        rows.append([bytes(now[at : at + 3]) for at in range(0, step, channels)])
        before = now
    return width, height, rows


def unfiltered(method: int, line: bytearray, above: bytearray, channels: int) -> bytearray:
    """Undo the filter of one row."""
    for at, value in enumerate(line):
        left = line[at - channels] if at >= channels else 0
        corner = above[at - channels] if at >= channels else 0
        guesses = (0, left, above[at], (left + above[at]) // 2)
        guess = guesses[method] if method < 4 else nearest(left, above[at], corner)
        line[at] = (value + guess) & 255
    return line


def nearest(left: int, above: int, corner: int) -> int:
    """The Paeth predictor."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))


if __name__ == "__main__":
    main(sys.argv[1:])
