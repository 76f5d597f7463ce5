"""What people wrote by hand: links lead somewhere, Python parses, every dependency has its reason."""

import ast
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "changes", "examples", "benchmarks", "requirements", ".github")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(
    r"^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["server"]]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def without_code(text: str) -> str:
    """Leave out fenced code and inline code, where brackets mean something else."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def direct_dependencies() -> list[str]:
    """Names of everything that pyproject.toml asks for by itself."""
    groups = PROJECT["dependency-groups"].values()
    asked = [*RUNTIME, *(one for group in groups for one in group if isinstance(one, str))]
    names = [NAME.match(one) for one in asked]
    return sorted({name.group().lower() for name in names if name})


def page_id(page: Path) -> str:
    """The path below the root, as test id."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and a heading that is in it."""
    text = without_code(page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]

    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            broken.append(link)

    assert not broken


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=page_id)
def test_page_is_found_from_the_index(page: Path) -> None:
    """A page that the index does not name is not read."""
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))
    }

    assert page in linked | {index}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_in_a_page_parses(page: Path) -> None:
    """What a page shows as Python can be pasted."""
    blocks = [
        found for found in FENCE.finditer(page.read_text(encoding="utf-8")) if found["language"] in {"python", "py"}
    ]

    for block in blocks:
        ast.parse(textwrap.dedent(block["body"]), filename=str(page))


@pytest.mark.parametrize("name", direct_dependencies())
def test_direct_dependency_has_its_reason(name: str) -> None:
    """Nothing is asked for without a row that says why it is better than forty lines of our own."""
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8").lower()

    assert re.search(rf"^\| `{re.escape(name)}` \|", page, re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=page_id)
def test_requirements_are_hashed_and_name_no_registry(path: Path) -> None:
    """Every pinned version has hashes, and no line says where to download from: that is the machine's business."""
    text = path.read_text(encoding="utf-8")
    pins = re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE)
    hashed = re.findall(r"^[A-Za-z0-9._-]+==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)

    assert pins
    assert len(pins) == len(hashed)
    assert "://" not in text
    assert not re.search(r"^\s*--?(?!hash)[a-z]", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["runtime", "dev", "lowest"])
def test_requirements_hold_every_runtime_dependency(name: str) -> None:
    """A dependency added to pyproject.toml is compiled into the pinned files too; ``make update`` does it."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").lower()
    wanted = [one for one in map(NAME.match, RUNTIME) if one]

    missing = [
        one.group() for one in wanted if not re.search(rf"^{re.escape(one.group().lower())}==", text, re.MULTILINE)
    ]

    assert not missing


def test_lowest_requirements_are_the_lower_bounds() -> None:
    """``requirements/lowest.txt`` pins what pyproject.toml promises, so the promise is what gets tested."""
    text = (ROOT / "requirements" / "lowest.txt").read_text(encoding="utf-8").lower()
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))

    for one in RUNTIME:
        name, _, bound = one.lower().partition(">=")
        numbers = [int(part) for part in bound.split(".")]
        pinned = [int(part) for part in pins[name].split(".")]
        assert pinned[: len(numbers)] == numbers, one
