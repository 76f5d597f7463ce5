"""``doorward settings``: every setting, its value and the source that won. Secrets are counted, never shown."""

import click

from doorward.cli.output import Exit, Output, json_option
from doorward.cli.settings_reference import render
from doorward.cli.sources import Sources, judge
from doorward.configuration.catalogue import Entry, entries, value_of
from doorward.configuration.urls import masked
from doorward.configuration.values import show_seconds


@click.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print the reference page instead; it does not depend on this machine.")
@click.pass_obj
def settings(sources: Sources, *, as_json: bool, markdown: bool) -> None:
    """Show every setting, its value and where it comes from.

    Ends with 1 if something could not be read or is not safe.
    """
    if markdown:
        click.echo(render(), nl=False)
        return
    reading = sources.read()
    rows = [
        {
            "setting": entry.dotted,
            "value": shown(entry, value_of(reading.settings, entry)),
            "source": reading.sources[entry.dotted],
            "variable": entry.variable,
        }
        for entry in entries().values()
    ]
    output = Output(as_json=as_json)
    findings = judge(reading)
    if as_json:
        listed = [{"what": finding.what, "fix": finding.fix} for finding in findings]
        output.record({"settings": rows, "findings": listed})
    else:
        output.table(["setting", "value", "source"], rows)
        output.findings(findings)
    if findings:
        raise click.exceptions.Exit(Exit.REFUSED)


def shown(entry: Entry, value: object) -> str:
    """Write a value for people, without any secret, also not the password inside a URL."""
    if entry.kind == "secrets" and isinstance(value, tuple):
        return f"({len(value)} set)" if value else "(none)"
    if value in (None, "", ()):
        return "(empty)"
    if entry.kind == "duration" and isinstance(value, int):
        return show_seconds(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return masked(str(value))
