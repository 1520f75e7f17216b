"""The experiments: each asks one question, and is listed in `everstock.lab.registry`."""
