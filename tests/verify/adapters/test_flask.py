"""What is Flask's own: the decorator without a guard, asynchronous and class-based views, blueprints, misuse."""

from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView

from doorward.errors import Misconfigured
from doorward.verify.flask import current_principal, protect, require
from tests.verify.parties import NOW, Clock, Issuer, bearing

PARTY = Issuer()
USING = PARTY.verifier()


def unguarded() -> Flask:
    """An application without a guard, whose views verify by themselves."""
    app = Flask(__name__)

    @app.get("/me")
    @require(using=USING)
    def me() -> str:
        who = current_principal()
        assert who is not None
        return who.subject

    @app.get("/act")
    @require(using=USING, fresh=True, clock=Clock())
    def act() -> str:
        return "done"

    class Reports(MethodView):
        decorators = (require(using=USING, role="admin"),)

        def get(self) -> str:
            return "reports"

    app.add_url_rule("/reports", view_func=Reports.as_view("reports"))
    return app


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/me", None, 401),
        ("/me", "a.b.c", 401),
        ("/me", PARTY.token(), 200),
        ("/act", PARTY.token(auth_time=NOW - 601), 401),
        ("/act", PARTY.token(auth_time=NOW - 600), 200),
        ("/reports", PARTY.token(), 403),
        ("/reports", PARTY.token(roles=["admin"]), 200),
    ],
)
def test_a_view_can_verify_by_itself(path: str, token: str | None, status: int) -> None:
    """``require(using=verifier)``, with the same answers."""
    answered = unguarded().test_client().get(path, headers=bearing(token) if token else {})

    assert answered.status_code == status
    assert answered.headers.get("www-authenticate", "").startswith("Bearer") == (status != 200)


def test_a_decorated_view_keeps_its_name() -> None:
    """Flask makes endpoints of it."""
    assert "me" in unguarded().view_functions


@pytest.mark.parametrize("public", [["/me"], None])
def test_a_view_that_nobody_can_reach_is_a_defect(public: list[str] | None) -> None:
    """Without a guard, or on a path that the guard calls public."""
    app = Flask(__name__)
    app.testing = True
    app.add_url_rule("/me", "me", require()(lambda: "me"))
    if public is not None:
        protect(app, PARTY.verifier(), public=public)

    with pytest.raises(Misconfigured):
        app.test_client().get("/me", headers=bearing(PARTY.token()))


def test_outside_of_a_request_there_is_no_caller() -> None:
    """It raises, instead of looking like a guest."""
    with pytest.raises(Misconfigured, match="no request"):
        current_principal()


def test_static_files_are_closed_like_the_rest(tmp_path: Any) -> None:
    """Unless a rule opens them."""
    (tmp_path / "style.css").write_text("body {}")
    statuses = []
    for public in ([], ["/static"]):
        app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
        protect(app, PARTY.verifier(), public=public)
        answered = app.test_client().get("/static/style.css")
        statuses.append(answered.status_code)
        answered.close()

    assert statuses == [401, 200]


def test_rules_that_cannot_be_used_stop_the_start() -> None:
    """As with every guard."""
    with pytest.raises(Misconfigured):
        protect(Flask(__name__), PARTY.verifier(), public=["docs"])


def test_redirects_of_the_router_are_behind_the_guard() -> None:
    """``strict_slashes`` and ``merge_slashes`` tell a stranger nothing of what is there."""
    app = Flask(__name__)
    app.add_url_rule("/secret/", "secret", lambda: "secret")
    protect(app, PARTY.verifier(), public=["/"])
    client = app.test_client()

    assert [client.get(path).status_code for path in ("/secret", "/secret/", "/x//secret/")] == [401] * 3
    assert client.get("/secret", headers=bearing(PARTY.token())).status_code == 308
