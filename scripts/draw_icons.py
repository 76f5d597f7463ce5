"""Draw ``favicon.ico`` and ``apple-touch-icon.png`` from ``favicon.svg``, with the Chromium of the machine.

Run it after a change of the mark: ``.venv/bin/python -m scripts.draw_icons``. The ICO holds PNGs, which every browser
that asks for it reads.
"""

import shutil
import struct
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parent.parent / "src" / "doorward" / "web" / "static"
ICO_SIZES = (16, 32, 48)
TOUCH_SIZE = 180


def main() -> None:
    """Draw both files."""
    svg = (STATIC / "favicon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def draw(size: int, inside: int, background: str) -> bytes:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(
                f"<style>body{{margin:0;background:{background};display:grid;place-items:center;height:100vh}}"
                f"svg{{width:{inside}px;height:{inside}px}}</style>{svg}"
            )
            drawn = page.screenshot(omit_background=True)
            page.close()
            return drawn

        pictures = [(size, draw(size, size, "transparent")) for size in ICO_SIZES]
        touch = draw(TOUCH_SIZE, 132, "#f4f1ea")
        browser.close()
    (STATIC / "favicon.ico").write_bytes(ico(pictures))
    (STATIC / "apple-touch-icon.png").write_bytes(touch)


def ico(pictures: list[tuple[int, bytes]]) -> bytes:
    """Put PNGs into one icon file."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, data in pictures:
        entries += struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(data), offset)
        offset += len(data)
    return head + entries + b"".join(data for _, data in pictures)


if __name__ == "__main__":
    main()
