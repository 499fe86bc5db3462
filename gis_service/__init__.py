"""Grid management service: people, rules, screens and transactions around `layers` (computing) and `maps` (drawing)."""

__version__ = "0.1.0"
