"""Mailers for development: a folder of files, or the terminal. They refuse nothing and reach nobody."""

import json
import os
import sys
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Final, TextIO

from doorward.mail.model import Accepted, Message, Outcome

KEPT: Final = 50
"""Mails that are kept; a development machine is no archive."""


class FileMailer:
    """Writes each mail into a folder that only the owner can read; all worker processes share it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made with the first mail."""
        self._folder = folder

    async def send(self, message: Message) -> Outcome:
        """Write one mail: the text for people, and all of it for the page."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The name sorts by time and then by id; the id is ours and has nothing that a path could trip over.
        name = f"{message.written_at:012d}-{message.message_id.partition('@')[0]}"
        self._write(f"{name}.json", json.dumps(asdict(message), ensure_ascii=False))
        for old in sorted(self._folder.glob("*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return Accepted()

    def recent(self) -> list[Message]:
        """Return the last mails, the newest first."""
        files = sorted(self._folder.glob("*.json"), reverse=True)[:KEPT]
        return [Message(**json.loads(file.read_text("utf-8"))) for file in files]

    def _write(self, name: str, text: str) -> None:
        temporary = self._folder / f"{name}.part"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(self._folder / name)


class ConsoleMailer:
    """Writes the text of each mail to the terminal, and remembers the last ones of this process."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to ``stream``, or to standard error as it is when a mail comes."""
        self._stream = stream
        self._recent: deque[Message] = deque(maxlen=KEPT)

    async def send(self, message: Message) -> Outcome:
        """Show one mail."""
        self._recent.appendleft(message)
        lines = [f"To: {message.recipient}", f"Subject: {message.subject}", "", *message.text.splitlines()]
        (self._stream or sys.stderr).write("".join(f"  | {line}\n" for line in lines))
        return Accepted()

    def recent(self) -> list[Message]:
        """Return the last mails, the newest first."""
        return list(self._recent)
