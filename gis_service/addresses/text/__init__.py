"""The text of an address: one spelling, its parts, what finds it, what repeats it. Pure: no database."""
