"""The ``doorward`` command. Nothing is imported until it is needed, so that ``doorward --help`` is immediate."""


def main() -> None:
    """Run the command line and leave the process with one of the codes in ``output.Exit``."""
    from importlib.util import find_spec

    if find_spec("click") is None:  # installed for verification only
        raise SystemExit("This is doorward's verifier alone. For the server: pip install 'doorward[server]'")
    from doorward.cli.main import doorward

    doorward()
