"""Upload clients over emulated flaky links, under plain Locust.

    locust -f locustfiles/resumable.py --headless -u 10 -r 10
    locust -f locustfiles/resumable.py -H http://127.0.0.1:1080/files/ --network lte     (web UI)
    locust -f locustfiles/resumable.py --headless -u 40 -r 40 --processes 2

``-u`` counts clients: users times arms. Each test leaves a run folder that ``simsim report`` reads.
"""

from simulator.swarm import plugin
from simulator.swarm.user import UploadUser

__all__ = ["UploadUser"]

plugin.install()
