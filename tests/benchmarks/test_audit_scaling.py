"""Growth is measured with what was found, each size in a process of its own."""

from __future__ import annotations

import pytest

from benchmarks import audit_scaling


def test_cost_is_measured_with_what_was_found() -> None:
    neighbours = audit_scaling.measure_neighbours(400, 16)
    copies = audit_scaling.measure_copies(150, 16)
    assert neighbours.found == "all compared, recall 1.000"
    assert copies.found == "4 of 4 copies"
    assert neighbours.processor > 0
    assert 0 < copies.peak < 4
    table = audit_scaling.report({"copies": {150: copies}})
    assert "| copies | 4 of 4 copies | 150 |" in table


def test_a_size_is_measured_in_a_process_of_its_own() -> None:
    cost = audit_scaling.in_process("neighbours", 50, 8)
    assert cost.found == "all compared, recall 1.000"
    with pytest.raises(RuntimeError, match="neighbours at -1 failed"):
        audit_scaling.in_process("neighbours", -1, 8)
