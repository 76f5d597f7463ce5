"""Files of pages are there for ever under addresses that name their content."""

import re
from pathlib import Path

import pytest

from doorward.settings import Pages, Settings
from doorward.web.assets import SHIPPED, Assets
from tests.support.house import House, open_house, settings_for


async def test_every_file_is_served_under_an_address_of_its_content(house: House) -> None:
    """With its type, for a year and unchanging, and as a document of its own it may do nothing."""
    for name in SHIPPED:
        url = house.auth.pages.assets.url(name)
        answer = await house.client.get(url)

        assert re.fullmatch(r"/static/[a-z-]+-[a-z2-7]{10}\.[a-z]+", url)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["pages.css", "pages-aaaaaaaaaa.css", "..%2fpages.py", "theme.css"])
async def test_other_addresses_are_none(house: House, name: str) -> None:
    """Neither another version nor a way out of the folder."""
    assert (await house.client.get(f"/static/{name}")).status_code == 404


async def test_browsers_that_ask_for_a_favicon_get_it(house: House) -> None:
    """For a day, because its address says nothing of its content."""
    answer = await house.client.get("/favicon.ico")

    assert answer.headers["content-type"] == "image/x-icon"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.content[:6] == b"\0\0\1\0\3\0"


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_comes_from_outside(name: str) -> None:
    """No file of ours names another host but the namespace of SVG."""
    content = next(asset.content for key, asset in Assets(Pages(), mount_path="").by_name.items() if key == name)

    assert set(re.findall(rb"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", content)) <= {b"http://www.w3.org"}


async def test_theme_and_logo_are_files_like_the_others(tmp_path: Path, settings: Settings) -> None:
    """They are linked where they are set; a logo stands in place of mark and name, which it is called."""
    logo = tmp_path / "our logo.SVG"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    pages = Pages(accent="#aa0000", logo=logo)
    changed = settings_for(settings.database_url, tmp_path, pages=pages, service_name="The <Club>", mount_path="")

    async with open_house(changed) as house:
        page = (await house.browser.get("/login")).text
        theme = re.findall(r'href="(/static/theme-\w+\.css)"', page)[0]
        picture = re.findall(r'<img class="logo" src="(/static/logo-\w+\.svg)" alt="The &lt;Club&gt;"', page)[0]

        assert "--accent:#aa0000" in (await house.client.get(theme)).text
        answer = await house.client.get(picture)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert 'class="mark"' not in page
