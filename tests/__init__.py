"""Tests run the real parts; only the bus, the broker and the clock are ever faked."""
