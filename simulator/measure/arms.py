"""The numbers of one arm, gathered from the modules that compute them."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.measure import figures
from simulator.measure.bytes import byte_numbers
from simulator.measure.dataset import Dataset
from simulator.measure.integrity import failures, integrity_numbers, outcomes
from simulator.measure.logs import UploadLog
from simulator.measure.models import NUMBERS, ArmSummary, Number
from simulator.measure.recovery import Recovery, interruptions, recovery_numbers
from simulator.measure.times import time_numbers
from simulator.records import Arm


def summarise_arm(data: Dataset, arm: Arm, recovered: Sequence[Recovery]) -> ArmSummary:
    """Return every number of *arm*, in the order of ``NUMBERS``."""
    uploads = data.uploads[arm.name]
    found = {
        **byte_numbers(uploads),
        **time_numbers(data, arm),
        **recovery_numbers(recovered),
        **integrity_numbers(uploads),
        **_counts(uploads),
    }
    return ArmSummary(
        name=arm.name,
        protocol=arm.protocol,
        calm_of=arm.calm_of,
        uploads=len(uploads),
        outcomes=outcomes(uploads),
        failures=failures(uploads),
        numbers={name: found[name] for name in NUMBERS},
    )


def _counts(uploads: Sequence[UploadLog]) -> dict[str, Number]:
    n = len(uploads)
    restarts = sum(upload.record.restarts for upload in uploads if upload.record is not None)
    return {
        "interruptions": figures.total(interruptions(uploads), "interruptions", n),
        "restarts": figures.total(restarts, "restarts", n),
    }
