"""Rentals of the demo graded by a published version of the rules, so that each grade says why."""

from __future__ import annotations

from datetime import date
from typing import Final

from gis_service.registers.rentals.grading import grade_rentals
from gis_service.registers.rentals.rule_sets import DEFAULT_RULES, RuleSaid, RulesSaid, publish_rule_set
from gis_service.shell import Shell

DEMO_RULES: Final = RulesSaid(
    rules=[
        *DEFAULT_RULES.rules,
        RuleSaid(label="人均使用面积不足8㎡", factor="area_per_person_m2", test="below", threshold=8, points=15),
        RuleSaid(label="居住8人及以上", factor="residents", test="at_least", threshold=8, points=15),
    ],
    yellow=15,
    orange=30,
    red=70,
)
"""Beside the limits of group rental, what an ordinary let is watched for."""


def grade_all(shell: Shell, today: date) -> dict[str, int]:
    """Publish the demo's rules and grade every rental by them; returns how many have each grade, and `changed`."""
    publish_rule_set(shell.engine, shell.viewer, DEMO_RULES, today, note="演示")
    return grade_rentals(shell.engine, shell.viewer, today=today)
