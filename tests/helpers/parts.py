"""One client of the swarm whose uploads have parts side by side, in a patched process; prints its records.

python -m gevent.monkey --module tests.helpers.parts VARIANT SIZE PIECE PORT PROFILE
"""

from __future__ import annotations

import sys

import gevent

from simulator.links.embedded import EmbeddedEngine
from simulator.protocols.policy import Policy
from simulator.records import Arm, Record, dump
from simulator.swarm.hub import HubWaiter
from simulator.swarm.session import Session, Workload
from simulator.swarm.together import side_by_side
from simulator.weather import load_profile
from tests.helpers.plans import make_job, make_plan


def main() -> None:
    variant, size, piece, port, profile = sys.argv[1:]
    arm = Arm(name=f"tus:{variant}", protocol="tus", variant=variant)
    plan = make_plan(
        arms=[arm],
        baseline=arm.name,
        users=1,
        size=size,
        deadline_s=90.0,
        profile=load_profile(profile).to_dict(),
        policy=Policy(piece=int(piece) or None).to_dict(),
    )
    job = make_job(plan, port=int(port))
    records: list[Record] = []
    with EmbeddedEngine() as engine:
        session = Session(
            job,
            job.slot(0),
            engine,
            workload=Workload(job),
            record=records.append,
            waiter=HubWaiter(),
            sleep=gevent.sleep,
            together=side_by_side,
        )
        session.run()
    sys.stdout.writelines(f"{dump(record)}\n" for record in records)


if __name__ == "__main__":
    main()
