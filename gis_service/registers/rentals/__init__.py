"""Rentals: dwellings let to migrants, their grades and why, suspected group rentals, inspections and rectification."""
