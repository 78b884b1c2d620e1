"""``python -m simulator.links.toxiproxy URL RUN CONTROL EVENTS PARENT``: what own_process.py starts."""

import sys

from simulator.links.toxiproxy.process import main

url, run, *numbers = sys.argv[1:]
main(url, run, *map(int, numbers))
