"""The quarterly reconciliation of a village: opened, matched, worked, signed by both sides, closed for good."""
