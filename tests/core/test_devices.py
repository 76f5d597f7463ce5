"""Owners recognise their devices by the names that they are given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.devices import Device, describe, name_device

MOZILLA = "Mozilla/5.0 "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (MOZILLA + "(X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"),
        (MOZILLA + f"(Windows NT 10.0; Win64; x64) {WEBKIT}Chrome/142.0.0.0 Safari/537.36", "Chrome", "Windows"),
        (MOZILLA + f"(Windows NT 10.0; Win64; x64) {WEBKIT}Chrome/142.0 Safari/537.36 Edg/142.0", "Edge", "Windows"),
        (MOZILLA + f"(X11; CrOS x86_64 14541.0.0) {WEBKIT}Chrome/142.0 Safari/537.36", "Chrome", "ChromeOS"),
        (MOZILLA + f"(Macintosh; Intel Mac OS X 10_15_7) {WEBKIT}Chrome/142.0 Safari/537.36 OPR/120", "Opera", "macOS"),
        (MOZILLA + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 (KHTML, like Gecko) Version/19.1 Safari/605",
         "Safari", "macOS"),
        (MOZILLA + "(iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/19.1 "
         "Mobile/15E148 Safari/604.1", "Safari", "iPhone"),
        (MOZILLA + "(iPad; CPU OS 19_1 like Mac OS X) AppleWebKit/605 CriOS/142.0 Mobile Safari/604.1", "Chrome",
         "iPad"),
        (MOZILLA + f"(Linux; Android 15; K) {WEBKIT}SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
         "Samsung Internet", "Android"),
        (MOZILLA + "(Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox", "Android"),
        (MOZILLA + f"(X11; Linux x86_64) {WEBKIT}HeadlessChrome/142.0 Safari/537.36", "Chrome", "Linux"),
        ("curl/8.5.0", "curl", ""),
        ("python-httpx2/2.0", "python-httpx2", ""),
        ("My App/1.0 (Android 15)", "My App", "Android"),
        ("PostmanRuntime", "PostmanRuntime", ""),
        (MOZILLA + "(compatible)", "", ""),
        ("", "", ""),
        ("()", "", ""),
    ],
)  # fmt: skip
def test_a_device_has_a_name(user_agent: str, browser: str, system: str) -> None:
    """Its browser, or the program, and its system; nothing where nothing is known."""
    assert describe(user_agent) == Device(browser, system)


@given(st.text(max_size=256))
def test_nonsense_has_a_short_name_or_none(user_agent: str) -> None:
    """A user agent is whatever its sender likes."""
    device = describe(user_agent)

    assert len(device.browser) <= 40
    assert len(device.system) <= 20


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("curl/8.5.0", "curl"),
        ("My App/1.0 (Android 15)", "Android"),
        ("Your account is locked, call 555-0100", ""),
        ("", ""),
    ],
)
def test_a_mail_names_a_device_from_a_list(agent: str, name: str) -> None:
    """A user agent is the sender's text: whatever is not on the list is not repeated."""
    assert name_device(agent) == name
