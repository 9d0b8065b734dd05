"""The places of the emulated kitchen, one file of physics each; `world.py` puts them together."""
