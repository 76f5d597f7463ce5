"""The figures are right, bounded, and readable by Prometheus itself."""

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from doorward.hooks import Events, GateRefused, SigningKeysRotated
from doorward.observability.instruments import Instruments
from doorward.observability.metrics import MAX_SERIES, Family, Metrics, render
from doorward.passwords.pool import HashingPool
from tests.support.house import PASSWORD, House, bearer
from tests.support.waiting import until


def read(text: str) -> dict[str, float]:
    """Read a page as Prometheus does: sample with its labels → value."""
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_is_written_is_what_prometheus_reads() -> None:
    """Counters, histograms and gauges, with labels that have to be escaped."""
    metrics = Metrics()
    counter = metrics.counter("a_total", "Counts\nthings.", "what")
    histogram = metrics.histogram("b_seconds", "Takes time.", "what", buckets=(0.1, 1.0))
    metrics.gauge("c", "Is \\ there.", lambda: 2.5)
    counter.inc('a "quoted" \\ label')
    counter.inc('a "quoted" \\ label', by=2)
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value, "x")

    figures = read(await metrics.text())

    assert figures == {
        'a_total{what=a "quoted" \\ label}': 3.0,
        "b_seconds_bucket{le=0.1,what=x}": 2.0,
        "b_seconds_bucket{le=1.0,what=x}": 3.0,
        "b_seconds_bucket{le=+Inf,what=x}": 4.0,
        "b_seconds_sum{what=x}": pytest.approx(7.65),
        "b_seconds_count{what=x}": 4.0,
        "c{}": 2.5,
    }
    assert counter.value('a "quoted" \\ label') == 3
    assert (histogram.count("x"), histogram.count("y")) == (4, 0)


def test_several_workers_are_one_family() -> None:
    """Each series carries its worker, so that a worker that begins anew begins its own series anew."""
    family = Family("a_total", "counter", "Counts.", ("what",), [(("x",), 1.0)])

    text = render({"0": [family], "1": [family]})

    assert text.count("# TYPE a_total counter") == 1
    assert read(text) == {"a_total{what=x,worker=0}": 1.0, "a_total{what=x,worker=1}": 1.0}


async def test_the_number_of_series_has_an_end() -> None:
    """Whatever becomes a label, it cannot fill the memory of two programs."""
    metrics = Metrics()
    counter = metrics.counter("a_total", "Counts.", "what")
    histogram = metrics.histogram("b_seconds", "Takes time.", "what")
    for number in range(MAX_SERIES + 10):
        counter.inc(str(number))
        histogram.observe(1.0, str(number))

    figures = read(await metrics.text())

    assert figures["a_total{what=other}"] == 10
    assert figures["b_seconds_count{what=other}"] == 10


def test_a_name_is_given_once() -> None:
    """Two meanings under one name would be none."""
    metrics = Metrics()
    metrics.counter("a_total", "Counts.")

    with pytest.raises(ValueError, match="a_total"):
        metrics.counter("a_total", "Counts.")


async def test_a_gauge_that_cannot_be_asked_is_left_out() -> None:
    """A database that is away takes no other figure with it; shared values are told by one worker."""
    metrics = Metrics()

    async def fails() -> float:
        raise OSError

    async def answers() -> float:
        return 1

    metrics.gauge("a", "Fails.", fails)
    metrics.gauge("b", "Answers.", answers, shared=True)

    assert [family.name for family in await metrics.collect()] == ["b"]
    assert await metrics.collect(shared=False) == []


async def test_a_day_at_the_door_is_counted(house: House) -> None:
    """Log-ins by outcome, refreshes by outcome, theft, refusals by code, hashes, requests by route."""
    entered = await house.enter()
    for login in ("ada@example.test", "nobody@example.test"):
        await house.client.post("/v1/login", json={"login": login, "password": "wrong password"})
    refreshed = await house.refresh(entered["refresh_token"])
    await house.refresh(entered["refresh_token"])
    house.clock.advance(60)
    await house.refresh(entered["refresh_token"])
    await house.refresh(entered["refresh_token"])
    await house.refresh("forged")
    await house.client.get("/v1/me/sessions/ses_x", headers=bearer(refreshed.json()["access_token"]))
    await house.client.delete("/v1/me/sessions/ses_x", headers=bearer(refreshed.json()["access_token"]))
    await house.client.request("BREW", "/v1/nowhere/secret-path")

    figures = read(await house.auth.metrics.text())

    assert figures["doorward_log_ins_total{outcome=signed_in}"] == 1
    assert figures["doorward_log_ins_total{outcome=wrong_password}"] == 1
    assert figures["doorward_log_ins_total{outcome=unknown_login}"] == 1
    for outcome in ("rotated", "replayed", "reused", "dead", "forged"):
        assert figures[f"doorward_refreshes_total{{outcome={outcome}}}"] == 1, outcome
    assert figures["doorward_events_total{event=token.reused}"] == 1
    assert figures["doorward_problems_total{code=invalid_credentials}"] == 2
    assert figures["doorward_hash_seconds_count{}"] == 4
    assert figures["doorward_hash_wait_seconds_count{}"] == 4
    assert figures["doorward_hash_queue{}"] == figures["doorward_hash_running{}"] == 0
    assert figures["doorward_webhook_backlog{}"] == figures["doorward_webhook_backlog_age_seconds{}"] == 0
    assert figures["doorward_audit_unsealed{}"] >= 0
    requests = {name for name in figures if name.startswith("doorward_request_seconds_count")}
    assert "doorward_request_seconds_count{method=POST,route=/v1/login,status=200}" in requests
    assert "doorward_request_seconds_count{method=DELETE,route=/v1/me/sessions/{id},status=401}" in requests
    assert "doorward_request_seconds_count{method=other,route=unmatched,status=404}" in requests


async def test_no_label_is_what_a_caller_typed(house: House) -> None:
    """No path, no login, no address, no id: the number of series is ours, and the page tells nothing of people."""
    entered = await house.enter()
    for number in range(30):
        await house.client.get(f"/v1/me/canary-{number}")
        await house.client.request(f"CANARY{number}", "/v1/me")
        await house.client.post("/v1/login", json={"login": f"canary-{number}@example.test", "password": "x"})

    text = await house.auth.metrics.text()

    assert "canary" not in text.lower()
    assert "example.test" not in text
    assert "203.0.113" not in text
    assert entered["account"]["id"] not in text
    assert len(text.splitlines()) < 400


async def test_a_defect_is_counted_as_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong, the answer was a 500."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(house.auth.passwords, "log_in", fail)
    await house.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})

    figures = read(await house.auth.metrics.text())

    assert figures["doorward_problems_total{code=internal_error}"] == 1


async def test_a_pool_of_a_host_needs_no_figures(house: House) -> None:
    """A pool by itself counts nothing and works."""
    pool = HashingPool(house.auth.settings.passwords)

    async with asyncio.timeout(20):
        assert not await pool.verify(None, "password")
    pool.close()


async def test_who_follows_says_so(house: House) -> None:
    """1 while it does; an alert on 0 is worth a night's sleep."""

    async def follows() -> bool:
        return read(await house.auth.metrics.text())["doorward_following{}"] == 1

    await until(follows)


async def test_the_lag_is_the_time_since_others_were_last_heard(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows while nobody looks, and begins anew with the next look."""
    follower = house.auth

    async def lag() -> float:
        return read(await follower.metrics.text())["doorward_feed_lag_seconds{}"]

    async def heard() -> bool:
        return await lag() < 5

    monkeypatch.setattr(follower._instruments, "_looked_at", time.monotonic() - 100)
    behind = await lag()
    await house.register("ada@example.test")

    assert behind >= 100
    await until(heard)


@pytest.mark.parametrize(("gate", "counted"), [("before_login", True), ("before_registration", False)])
async def test_a_log_in_that_a_gate_refuses_is_counted_as_one(gate: str, counted: bool) -> None:
    """With the outcome ``gate``; what else a gate refuses is no log-in."""
    instruments = Instruments()

    instruments.event(GateRefused(gate=gate, reason="blocked"))

    assert ("doorward_log_ins_total{outcome=gate}" in read(await instruments.metrics.text())) is counted


async def test_events_of_nobody_cost_nothing() -> None:
    """Without a subscriber, as in a test of one flow, nothing is delivered and nothing fails."""
    await Events().publish(SigningKeysRotated(revoked=False))


async def test_mails_that_wait_are_counted(mailing_house: House) -> None:
    """And the age of the oldest, so that an operator hears of a mail server that takes nothing."""
    await mailing_house.client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
    mailing_house.clock.advance(30)

    figures = read(await mailing_house.auth.metrics.text())

    assert (figures["doorward_mail_backlog{}"], figures["doorward_mail_backlog_age_seconds{}"]) == (1, 30)
