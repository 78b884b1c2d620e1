"""From a run's folder to its findings: the records are read, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from simulator.measure.dataset import Dataset
from simulator.measure.logs import LinkLog, UploadLog
from simulator.measure.recovery import interruptions
from simulator.measure.series import ideal_curve, staircases, survival_curves, throughput
from simulator.measure.summary import summarise
from simulator.records import Fault, Integrity, Violation
from simulator.report.findings import FaultRow, Findings, UploadRow
from simulator.report.reading import read_run


def gather(run_dir: Path) -> Findings:
    """Return the findings of the run in *run_dir*.

    Raises ``UsageError`` when there are no records, or when a line cannot be used.
    """
    return findings_of(Dataset.of(read_run(run_dir)))


def findings_of(data: Dataset) -> Findings:
    """Return the findings of the records in *data*."""
    ideal = ideal_curve(data)
    return Findings(
        summary=summarise(data),
        staircases=tuple(staircases(data)),
        curves=tuple(survival_curves(data)),
        ideal=ideal if ideal.n else None,
        throughput=throughput(data),
        uploads=tuple(_upload_row(log) for logs in data.uploads.values() for log in logs),
        faults=tuple(_fault_rows(data)),
        violations=tuple(_violations(data)),
    )


def _upload_row(log: UploadLog) -> UploadRow:
    return UploadRow(
        arm=log.arm,
        user=log.user,
        upload=log.upload,
        size=log.size,
        outcome=log.outcome,
        why=log.record.why if log.record is not None else "the run ended before it",
        seconds=log.duration,
        carried=float(log.carried),
        interruptions=interruptions([log]),
        restarts=log.record.restarts if log.record is not None else 0,
        integrity=_integrity(log.integrity),
    )


_INTEGRITY = {True: "intact", False: "corrupted", None: "unverified"}


def _integrity(found: Integrity | None) -> str:
    if found is None:
        return ""
    where = "" if found.first_difference is None else f", from byte {found.first_difference}"
    return f"{_INTEGRITY[found.intact]}{where}"


def _fault_rows(data: Dataset) -> Iterator[FaultRow]:
    for arm in data.arms:
        links = [link for link in data.links.values() if link.arm == arm.name]
        for kind in sorted({fault.fault for link in links for fault in link.faults}):
            yield _fault_row(arm.name, kind, _of_kind(links, kind))


def _of_kind(links: list[LinkLog], kind: str) -> list[Fault]:
    return [fault for link in links for fault in link.faults if fault.fault == kind]


def _fault_row(arm: str, kind: str, faults: list[Fault]) -> FaultRow:
    return FaultRow(
        arm=arm,
        fault=kind,
        count=len(faults),
        seconds=sum(max(0.0, fault.until - fault.t) for fault in faults),
        connections=_sum(fault.connections for fault in faults),
        dropped=_sum(fault.dropped for fault in faults),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum; None when one of *counts* is not known."""
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def _violations(data: Dataset) -> list[Violation]:
    found = (violation for logs in data.uploads.values() for log in logs for violation in log.violations)
    return sorted(found, key=lambda violation: violation.t)
