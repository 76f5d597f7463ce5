"""The ``doorward`` command. Nothing is imported until it is needed, so that ``doorward --help`` is immediate."""


def main() -> None:
    """Run the command line and leave the process with one of the codes in ``output.Exit``."""
    from doorward.cli.main import doorward

    doorward()
