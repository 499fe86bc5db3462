"""Mismatches between the registers as items to be worked: found, shown side by side, settled, opened again."""
