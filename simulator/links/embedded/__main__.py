"""``python -m simulator.links.embedded CONTROL EVENTS PARENT``: what own_process.py starts."""

import sys

from simulator.links.embedded.process import main

main(*map(int, sys.argv[1:]))
