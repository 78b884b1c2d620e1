"""Correctness of one arm: what was stored, how often, and which rules the server broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simulator.measure import figures
from simulator.measure.logs import UploadLog
from simulator.measure.models import Number

OUTCOMES = ("completed", "failed", "censored", "corrupted")


def outcomes(uploads: Sequence[UploadLog]) -> dict[str, int]:
    """Return how many uploads ended in each way; every way is named."""
    found = Counter(upload.outcome for upload in uploads)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def failures(uploads: Sequence[UploadLog]) -> dict[str, int]:
    """Return the reasons for which uploads failed or were corrupted, with their counts."""
    return dict(sorted(Counter(filter(None, map(_reason, uploads))).items()))


def integrity_numbers(uploads: Sequence[UploadLog]) -> dict[str, Number]:
    """Return the shares completed and intact, the copies, and the server's violations."""
    n = len(uploads)
    checks = [upload.integrity for upload in uploads if upload.integrity is not None]
    verdicts = [check.intact for check in checks if check.intact is not None]
    copies = [check.copies for check in checks if check.copies is not None]
    unread = sum(upload.finished and _unread(upload) for upload in uploads)
    extra = sum(max(0, number - 1) for number in copies)
    return {
        "completed": figures.share(outcomes(uploads)["completed"], n, "no upload was begun"),
        "intact": figures.share(sum(verdicts), len(verdicts), "nothing stored could be read"),
        "unverified": figures.total(unread, "uploads", sum(upload.finished for upload in uploads)),
        "duplicates": figures.total(extra, "copies", len(copies))
        if copies
        else figures.missing("copies", "the copies on the server could not be counted"),
        "violations": figures.total(sum(len(upload.violations) for upload in uploads), "violations", n),
    }


def _reason(upload: UploadLog) -> str | None:
    if upload.outcome == "corrupted":
        return "stored bytes differ from those sent"
    if upload.outcome == "failed" and upload.record is not None:
        return upload.record.why or "no reason given"
    return None


def _unread(upload: UploadLog) -> bool:
    return upload.integrity is None or upload.integrity.intact is None
