"""Telling people outside: what is told, by which channels, and that it arrives."""
