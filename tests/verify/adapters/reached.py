"""What the handlers behind the doors have seen."""

reached: list[str] = []
