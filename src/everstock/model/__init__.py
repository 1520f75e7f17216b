"""The protocol without a chain: an independent reference in plain integers, run in lock-step with the contracts.

docs/mechanism.md says why, docs/arithmetic.md says exactly how; nothing here was derived from the Solidity.
"""
