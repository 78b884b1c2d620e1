"""``python -m simulator`` is ``simsim``."""

from simulator.cli.main import run_and_exit

run_and_exit()
