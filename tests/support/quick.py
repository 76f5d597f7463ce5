"""A password hasher that takes no time, for tests in which many people log in and the cost of that is not the point."""

import hashlib

from doorward.passwords.hashing import Hasher


class QuickHasher(Hasher):
    """Counts like the real one and protects nothing."""

    def hash(self, password: str) -> str:
        """Make a worthless hash."""
        return "quick:" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, stored: str, password: str) -> bool:
        """Compare."""
        return stored == self.hash(password)

    def needs_rehash(self, stored: str, password: str = "") -> bool:
        """Never."""
        return False

    def is_cheaper(self, stored: str) -> bool:
        """Never."""
        return False
