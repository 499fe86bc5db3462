"""Frames become folium maps and printed sheets; nothing of the service is known here."""
