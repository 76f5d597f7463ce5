"""The group of commands: what they are called, where they live, and how a refusal becomes an exit code.

To add a command: one line in ``COMMANDS``. Its module is imported when the command is run, never for ``--help``.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from doorward.cli.output import complain

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("doorward.cli.init:init", "Write .env with fresh secrets and make the data folder."),
    "serve": ("doorward.cli.serve:serve", "Serve HTTPS."),
    "doctor": ("doorward.cli.doctor.command:doctor", "Look for what is unsafe, and say what mends it."),
    "account": ("doorward.cli.account:account", "Make, show and change accounts."),
    "keys": ("doorward.cli.keys:keys", "List the signing keys and rotate them."),
    "service": ("doorward.cli.service:service", "Make service keys, for services that ask about tokens."),
    "token": ("doorward.cli.token:token", "Tell what a token is and whether it is believed."),
    "import": ("doorward.cli.import_command:import_", "Bring accounts in from another system, passwords included."),
    "webhook": ("doorward.cli.webhook:webhook", "Tell other programs what has happened."),
    "audit": ("doorward.cli.audit:audit", "Read the trail of security events, and prove that it is whole."),
    "passwords": ("doorward.cli.passwords:passwords", "Choose what hashing costs on this machine."),
    "mail": ("doorward.cli.mail:mail", "Try the way mail goes, and look at what waits."),
    "migrate": ("doorward.cli.migrate:migrate", "Bring the database to this version of doorward."),
    "settings": ("doorward.cli.settings_command:settings", "Show every setting, its value and where it comes from."),
}
"""Command name → where it is defined, and what it does in a sentence."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in their order here, which is the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what doorward refuses, and what the system refuses, is told in words, never as a trace."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):  # click ends quietly
            raise
        except Exception as problem:
            code = complain(problem)
            if code is None:
                raise
            raise click.exceptions.Exit(code) from problem


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of DOORWARD_… variables.  [default: .env, if there is one]",
)
@click.option(
    "--config",
    "toml_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file of settings.  [default: doorward.toml, if there is one]",
)
@click.version_option(package_name="doorward", message="%(version)s")
@click.pass_context
def doorward(ctx: click.Context, env_file: Path | None, toml_file: Path | None) -> None:
    """Server-side authentication: safe by default, fast by design.

    \b
    Exit codes: 0 done, 1 refused or something was found, 2 wrong usage, 3 not found,
    4 the database did not answer, 5 the configuration is unsafe or impossible.
    """
    from doorward.cli.sources import Sources

    ctx.obj = Sources(env_file=env_file, toml_file=toml_file)
