"""The charts of a report, in the order in which it shows them. A new chart is one file and one row here."""

from __future__ import annotations

from simulator.report.charts import cost, ecdf, staircase, throughput
from simulator.report.charts.chart import Chart

CHARTS: dict[str, Chart] = {
    "cost": cost.CHART,
    "staircase": staircase.CHART,
    "ecdf": ecdf.CHART,
    "throughput": throughput.CHART,
}
