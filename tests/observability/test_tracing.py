"""With OpenTelemetry a request leaves spans without anything personal; without it nothing is imported."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from doorward.observability import tracing
from doorward.observability.tracing import find_tracer, name_of
from doorward.settings import Settings
from tests.support.house import PASSWORD, open_house

WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'opentelemetry':
            raise ModuleNotFoundError(name)
sys.modules.pop('opentelemetry', None)
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == 'opentelemetry' else real(name, *rest)
from doorward.observability.tracing import find_tracer, traced
import doorward.app
assert find_tracer() is None
assert traced('database', None) == 'database'
assert not [name for name in sys.modules if name.startswith('opentelemetry')]
"""


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Let every instance made in this test trace into memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("doorward.app.find_tracer", lambda: provider.get_tracer("doorward"))
    yield exporter
    provider.shutdown()


async def test_a_log_in_leaves_its_spans(settings: Settings, spans: InMemorySpanExporter) -> None:
    """One for the request, below it the hash and the statements; all of one trace."""
    async with open_house(settings) as house:
        await house.register()
        spans.clear()
        await house.log_in()
        found = spans.get_finished_spans()

    request = next(span for span in found if span.name == "POST /v1/login")
    assert request.context is not None
    below = [span for span in found if span.context and span.context.trace_id == request.context.trace_id]
    names = [span.name for span in below]
    assert {"hash password", "SELECT account"} <= set(names)
    assert any(name.startswith("write ") for name in names)
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == "/v1/login"


async def test_spans_tell_nothing_personal(settings: Settings, spans: InMemorySpanExporter) -> None:
    """No login, no password, no address, no parameter; a refusal is a status, and no exception is recorded."""
    async with open_house(settings) as house:
        await house.enter()
        await house.client.post("/v1/login", json={"login": "canary@example.test", "password": "canary"})
        await house.client.get("/v1/canary-path")
        found = "".join(span.to_json() for span in spans.get_finished_spans())

    assert "canary" not in found
    assert PASSWORD not in found
    assert "203.0.113" not in found
    assert "acc_" not in found
    assert "GET unmatched" in found


async def test_a_traced_database_is_a_database(settings: Settings, spans: InMemorySpanExporter) -> None:
    """Every method reaches the one underneath."""
    async with open_house(settings) as house:
        database = house.auth._database
        assert isinstance(database, tracing.TracedDatabase)
        assert database.dialect == database.database.dialect
        await database.ping()
        changes = database.changes()
        await anext(changes)
        await changes.aclose()


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT id FROM account WHERE id = :id", "SELECT account"),
        ("\n  select 1", "SELECT"),
        ("INSERT INTO session (id) VALUES (:id)", "INSERT session"),
        ("UPDATE account SET x = 1", "UPDATE account"),
        ("DELETE FROM attempt", "DELETE attempt"),
        ("WITH x AS (SELECT 1) SELECT * FROM revocation", "WITH revocation"),
        ("PRAGMA data_version", "PRAGMA data_version"),
        ("VACUUM", "statement"),
    ],
)
def test_a_statement_is_named_by_verb_and_table(sql: str, name: str) -> None:
    """Never by its text, which could one day hold a value."""
    assert name_of(sql) == name


def test_the_api_is_found_where_it_is_installed() -> None:
    """In the environment of the tests it is."""
    tracer = find_tracer()

    assert tracer is not None
    with tracer.start_as_current_span("x") as span:
        span.set_attribute("a", 1)
        span.update_name("y")


def test_without_the_api_nothing_is_imported_and_nothing_is_wrapped() -> None:
    """Whoever does not trace pays nothing."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


async def test_an_instance_without_a_tracer_answers_as_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the API is not installed, requests, hashes and statements are not wrapped in anything."""
    monkeypatch.setattr("doorward.app.find_tracer", lambda: None)
    async with open_house(settings) as house:
        await house.enter()

        assert not isinstance(house.auth._database, tracing.TracedDatabase)
