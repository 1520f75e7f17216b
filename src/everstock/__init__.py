"""Everstock: perpetual options margined in tokenized stocks. The Python side of the protocol."""

__version__ = "0.1.0"
