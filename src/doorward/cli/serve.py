"""``doorward serve``: the settings, with what was typed as the strongest source, handed to ``serving/``."""

from typing import Any, Final

import click

from doorward.cli.output import Exit
from doorward.cli.sources import Sources

_SERVING: Final = (
    "host", "port", "http_port", "workers", "certificate", "private_key", "behind_proxy", "trusted_proxies",
)  # fmt: skip
_SHARED: Final = ("origin", "data_dir")
"""What an application of a host has to read for itself."""


@click.command()
@click.option("--app", "application", metavar="MODULE:NAME", help="Serve this ASGI application, which mounts doorward.")
@click.option("--origin", help="The address as browsers see it, for example https://auth.example.com")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", help="Port of the HTTPS listener.  [default: 8443]")
@click.option("--http-port", help="Port of the plain listener that points to HTTPS; 'none' for none.  [default: 8080]")
@click.option("--workers", help="Worker processes.  [default: 1]")
@click.option("--certificate", help="PEM file of the certificate chain.  [default: one for development is made]")
@click.option("--private-key", help="PEM file of the certificate's key.")
@click.option("--behind-proxy", is_flag=True, default=None, help="Serve plain HTTP to the trusted proxies only.")
@click.option("--trusted-proxies", help="Addresses or networks of proxies, separated by commas.")
@click.option("--data-dir", help="Folder of the database and of the development certificates.")
@click.pass_obj
def serve(sources: Sources, /, application: str | None, **typed: Any) -> None:
    """Serve HTTPS until SIGTERM or Ctrl-C; SIGHUP reads the certificate again.

    What is typed here wins over every other source. 'doorward settings' shows them all.

    With --app an application of yours is served in place of doorward alone, with the same TLS, plain listener, workers
    and signals. It reads its settings itself, so say in .env or doorward.toml what both must know.
    """
    given = {name: value for name, value in typed.items() if value is not None}
    if application and not given.keys().isdisjoint(_SHARED):
        raise click.UsageError(
            "with --app, give the origin and the data folder as DOORWARD_ORIGIN and DOORWARD_DATA_DIR (in .env, or as "
            "'origin' and 'data_dir' in doorward.toml): the application must know them too"
        )
    if given.get("http_port") == "none":
        given["http_port"] = ""
    serving = {name: given.pop(name) for name in _SERVING if name in given}
    settings = sources.load({**given, **({"serving": serving} if serving else {})})
    from doorward.serving.lifespan import StartFailed  # after the checks, so that a refusal is quick
    from doorward.serving.run import serve as run

    try:
        run(settings, application=application, announce=click.echo)
    except StartFailed as problem:
        click.echo(f"doorward has stopped: {problem}", err=True)
        raise click.exceptions.Exit(Exit.REFUSED) from problem
