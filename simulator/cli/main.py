"""The command ``simsim``: its commands, and the one place where it exits.

Exit codes: 0 held, 1 a bound or a comparison failed, 2 usage, 3 the run is not valid, 130 interrupted,
70 a bug of simsim's own, 74 the answer could not be written.
"""

from __future__ import annotations

import signal
import sys
import traceback
from types import FrameType

import typer

from simulator import __version__
from simulator.cli import (
    calibrate,
    doctor,
    engine,
    engines,
    gateway,
    profiles,
    proxy,
    report,
    run,
    serve,
    servers,
    streams,
)
from simulator.errors import SimsimError, refuse_undecodable

BUG = 70  # EX_SOFTWARE of sysexits.h
UNWRITTEN = 74  # EX_IOERR of sysexits.h

app = typer.Typer(
    name="simsim",
    help="Load-test resumable uploads over simulated bad networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich's would take half of the time that an answer may take
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", short_help="Run a swarm over flaky links; print what resumption saved.")(run.run)
app.command("report", short_help="Make a run's numbers, charts and pages again.")(report.report)
app.add_typer(profiles.app, name="profiles")
app.add_typer(servers.app, name="servers")
app.add_typer(engines.app, name="engines")
app.command("serve", short_help="Serve uploads: tus 1.0 and plain.")(serve.serve)
app.command("calibrate", short_help="Measure an engine's own error, and a run against theory.")(
    calibrate.calibrate
)
app.command("proxy", short_help="Put a link between your own client and its server.")(proxy.proxy)
app.command("engine", short_help="Serve toxiproxy's HTTP API; its clients work unchanged.")(engine.engine)
app.command("gateway", short_help="Stand before a server as an HTTP hop that does what a script says.")(
    gateway.gateway
)
app.command("doctor", short_help="Say what is installed, and what a missing part would enable.")(
    doctor.doctor
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"simsim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Load-test resumable uploads over simulated bad networks."""


def main() -> int:
    """Run the command that was typed; return its exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)  # a closed terminal ends a run in order, too
    try:
        refuse_undecodable(sys.argv[1:])
        status = app(standalone_mode=False)
    except SimsimError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except Exception as error:
        return _usage_or_bug(error)
    if status == 130:  # typer turns Ctrl-C into this status, without a word
        return _say("interrupted", 130)
    return status if isinstance(status, int) else 0


def run_and_exit() -> None:
    """The console script: run, and leave with the status."""
    answer = streams.settle()
    status = main()
    sys.stdout.flush()
    if answer.trouble is not None:
        status = _say(f"stdout cannot be written: {answer.trouble.strerror}", UNWRITTEN)
    sys.exit(status)


def _usage_or_bug(error: Exception) -> int:
    message = getattr(error, "format_message", None)  # click's usage errors, whichever click typer carries
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error}\n")
        return 2
    if message is not None:
        return _say(str(message()), 2)
    if type(error).__name__ == "Abort":
        return _say("interrupted", 130)
    traceback.print_exc()
    return _say("this is a bug in simsim; please report it with the lines above", BUG)


def _say(words: str, status: int) -> int:
    if status == 130:  # one more Ctrl-C must not cost the words
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    sys.stderr.write(f"simsim: {' '.join(words.split())}\n")
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run_and_exit()
