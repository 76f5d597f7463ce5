"""``doorward passwords``: choosing what a log-in costs on this machine. Nothing is changed; settings are proposed."""

import re
from typing import TYPE_CHECKING, Any, Final

import click

from doorward.cli.output import Output, json_option
from doorward.cli.sources import Sources

if TYPE_CHECKING:
    from doorward.passwords.calibrate import Proposal

_MIB: Final = 1 << 20
_TIME: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s)")


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    """Read a time like ``250ms`` or ``0.5s`` as seconds, or refuse it as wrong usage."""
    match = _TIME.fullmatch(value)
    if match is None or float(match[1]) == 0:
        raise click.BadParameter("write it like 250ms or 0.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


@click.group()
def passwords() -> None:
    """Choose what hashing costs on this machine."""


@passwords.command()
@click.option("--target", callback=_seconds, default="250ms", show_default=True, help="Time a log-in may take.")
@click.option(
    "--threads", type=click.IntRange(1, 64), help="Threads that hash at once.  [default: passwords.hash_threads]"
)
@click.option(
    "--memory",
    type=click.IntRange(19, 1 << 20),
    default=1024,
    show_default=True,
    help="MiB that all threads together may take.",
)
@json_option
@click.pass_obj
def calibrate(sources: Sources, *, target: float, threads: int | None, memory: int, as_json: bool) -> None:
    """Measure this machine and propose parameters for a target time; takes some seconds.

    Measure where doorward will run, with nothing else running. More time makes each guess dearer for an attacker, and
    each log-in dearer for you: half a second is a long time when a hundred people come at nine o'clock.
    """
    from doorward.passwords.calibrate import calibrate as measure

    settings = sources.read().settings.passwords
    output = Output(as_json=as_json)
    output.say(f"Measuring for {target * 1000:g} ms a log-in…")
    proposals = measure(
        target, threads=settings.hash_threads if threads is None else threads, memory_limit=memory * _MIB
    )
    output.table(
        ["algorithm", "memory", "iterations", "cost", "time", "log-ins a second", "all threads", "proposed"],
        [_row(each, as_json=as_json) for each in proposals],
    )
    for each in proposals:
        if each.recommended and each.algorithm == settings.algorithm:
            output.say("\nProposed for .env; new hashes use it, and old ones are renewed as people log in:")
            for name, value in each.settings.items():
                output.say(f"  DOORWARD_PASSWORDS__{name.upper()}={value}")


def _row(each: "Proposal", *, as_json: bool) -> dict[str, Any]:
    if as_json:
        return {
            "settings": each.settings,
            "seconds": round(each.seconds, 4),
            "logins_per_second": round(each.logins_per_second, 1),
            "memory_bytes": each.memory_bytes,
            "recommended": each.recommended,
        }
    is_argon2 = each.algorithm == "argon2id"
    return {
        "algorithm": each.algorithm,
        "memory": f"{each.argon2_memory} KiB" if is_argon2 else None,
        "iterations": each.argon2_iterations if is_argon2 else None,
        "cost": None if is_argon2 else each.bcrypt_cost,
        "time": f"{each.seconds * 1000:.0f} ms",
        "log-ins a second": f"{each.logins_per_second:.1f}",
        "all threads": f"{each.memory_bytes / _MIB:.0f} MiB" if each.memory_bytes >= _MIB else "under 1 MiB",
        "proposed": "yes" if each.recommended else "",
    }
