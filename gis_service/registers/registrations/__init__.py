"""Residence registrations: registering, renewing, moving and deregistering people, their history and their turnover."""
