"""Buses: everything that waits for hardware, each in a thread that may hang alone."""
