"""Drives the deployed contracts and the reference model side by side, and checks what must always hold."""
