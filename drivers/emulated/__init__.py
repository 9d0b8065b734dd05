"""The honest chip for each driver: real bytes and levels out of what it feels, and faults."""
