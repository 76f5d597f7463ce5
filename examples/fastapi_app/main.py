"""Notes: a small application behind doorward, in one file.

A public page, a page for people who log in with a cookie, an API for programs and pages alike, a route for one role.
doorward is mounted at ``/auth``, as ``doorward.toml`` says; its secret is in ``.env``, which ``doorward init`` writes.
"""

from collections import Counter
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from doorward import Doorward, Settings
from doorward.verify import Guard, Principal
from doorward.verify.fastapi import require

auth = Doorward(Settings.load(env_file=Path(".env")))

app = FastAPI(title="Notes", lifespan=auth.lifespan)
app.mount("/auth", auth)
app.add_middleware(Guard, authenticator=auth, public=["/", "/login", "/assets", "/auth"], login_url="/login")

Caller = Annotated[Principal, Depends(require())]
Admin = Annotated[Principal, Depends(require(role="admin"))]

NOTES: list[tuple[str, str]] = []
"""Who wrote what, by ``subject``: unlike an e-mail address it never changes. A real application has a database."""


class Note(BaseModel):
    """What somebody wrote."""

    text: str = Field(min_length=1, max_length=200)


# -- for people ------------------------------------------------------------------------------------------------------


@app.get("/")
def welcome() -> HTMLResponse:
    """Everybody may see this."""
    return page("<p>This page is public. <a href='/notes'>Your notes</a> are behind the door.</p>")


@app.get("/notes")
async def notes_page(caller: Caller) -> HTMLResponse:
    """Only who is logged in sees this; a browser without a session is led to ``/login`` and comes back."""
    account = await auth.accounts.find(caller.subject)
    notes = "".join(f"<li>{escape(text)}</li>" for author, text in NOTES if author == caller.subject)
    return page(
        f"<p>Logged in as <b>{escape(account.email)}</b>.</p><ul>{notes}</ul>"
        "<form data-send='/api/notes'><label>A new note <input name='text' maxlength='200' required autofocus></label>"
        "<button>Keep it</button><p role='alert'></p></form>"
        "<form data-send='/auth/v1/logout' data-then='/'><button class='quiet'>Log out</button>"
        "<p role='alert'></p></form>"
    )


@app.get("/login")
def login_page() -> HTMLResponse:
    """A form for logging in and for registering; doorward's own pages come with a later release."""
    return page(
        "<form data-send='/auth/v1/login' data-then='return_to'>"
        "<label>E-mail <input name='login' type='email' autocomplete='username' required autofocus></label>"
        "<label>Password <input name='password' type='password' autocomplete='current-password' required></label>"
        "<button>Log in</button> <button class='quiet' value='register'>Register</button><p role='alert'></p></form>"
    )


# -- for programs, and for the scripts of our pages ------------------------------------------------------------------


@app.get("/api/notes")
def list_notes(caller: Caller) -> list[str]:
    """List the caller's notes: a program sends a bearer token, a browser its cookie."""
    return [text for author, text in NOTES if author == caller.subject]


@app.post("/api/notes", status_code=201)
def add_note(caller: Caller, note: Note) -> Note:
    """Write one down. Sent with a cookie it must come from a page of this origin; the guard sees to that."""
    NOTES.append((caller.subject, note.text))
    return note


@app.get("/api/statistics")
def statistics(_admin: Admin) -> dict[str, int]:
    """Count everybody's notes, for the role ``admin`` only: ``doorward account set-role ada@example.org admin``."""
    return Counter(author for author, _ in NOTES)


# -- what the pages are made of --------------------------------------------------------------------------------------

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

STYLE = """
:root { color-scheme: light dark; --accent: light-dark(#1f6f54, #7fd1b0); --line: light-dark(#c9cfcc, #4a524e); }
body { max-width: 34rem; margin: 12vh auto; padding: 0 1.5rem; font: 1.05rem/1.6 system-ui, sans-serif; }
h1 a, a { color: var(--accent); }
h1 a { text-decoration: none; }
form { margin: 1.5rem 0; }
label { display: block; margin-bottom: 1rem; }
input { display: block; width: 100%; box-sizing: border-box; padding: .5rem .7rem; font: inherit;
  border: 1px solid var(--line); border-radius: .4rem; background: transparent; color: inherit; }
button { padding: .5rem 1.2rem; font: inherit; cursor: pointer; border-radius: .4rem; border: 1px solid var(--accent);
  background: var(--accent); color: light-dark(#fff, #10231c); }
button.quiet { background: transparent; color: var(--accent); }
[role=alert] { color: light-dark(#a4262c, #ff9a9e); }
[role=alert]:empty { display: none; }
"""

SCRIPT = """
// A form is sent as JSON to its data-send; the session is in a cookie that no script can read.
const post = (path, body) =>
  fetch(path, {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}});

// Only to a page of our own, whatever the address says: another origin would be an open redirect.
function wanted() {
  const target = new URL(new URLSearchParams(location.search).get("return_to") ?? "/notes", location.origin);
  return target.origin === location.origin ? target : "/notes";
}

for (const form of document.forms) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const {send, then} = form.dataset;
    const fields = Object.fromEntries(new FormData(form));
    let answer = {ok: true};
    if (event.submitter?.value === "register")
      answer = await post("/auth/v1/accounts", {email: fields.login, password: fields.password});
    if (answer.ok)
      answer = await post(send, then === "return_to" ? {...fields, transport: "cookie"} : fields);
    if (answer.ok) return location.assign(then === "return_to" ? wanted() : then ?? location.href);
    const {errors, detail} = await answer.json();
    form.querySelector("[role=alert]").textContent = errors?.map((error) => error.detail).join(" ") ?? detail;
  });
}
"""


@app.get("/assets/style.css")
def style() -> Response:
    """Give the pages their looks."""
    return Response(STYLE, media_type="text/css")


@app.get("/assets/forms.js")
def script() -> Response:
    """Send the forms."""
    return Response(SCRIPT, media_type="text/javascript")


def page(content: str) -> HTMLResponse:
    """Put a page around some HTML. The policy lets nothing run or load that is not served from here."""
    head = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Notes</title><link rel=stylesheet href='/assets/style.css'>"
        "<script defer src='/assets/forms.js'></script>"
    )
    return HTMLResponse(
        f"{head}<h1><a href='/'>Notes</a></h1>{content}",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
    )
