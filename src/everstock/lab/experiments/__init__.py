"""The experiments about the four venues."""
