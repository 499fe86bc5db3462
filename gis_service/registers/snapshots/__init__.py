"""What each register said on a day: handed in by its keepers or taken from the service, checked, kept for good."""
