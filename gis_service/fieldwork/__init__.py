"""Visits: what is due, today's walk of an officer, and what was found, also without a network."""
