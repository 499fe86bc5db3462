"""The command centre: one district or township on a screen, from the map down to a building."""
