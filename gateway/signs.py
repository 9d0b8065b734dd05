"""What people write for a unit: UCUM in data, signs on a screen and in a message."""

_SIGNS = {
    "Cel": "°C", "%": "%", "[ppm]": "ppm", "kg": "kg", "lx": "lx", "dB": "dB", "W": "W", "V": "V",
    "A": "A", "Hz": "Hz", "W.h": "Wh", "hPa": "hPa", "Pa": "Pa", "min": "min", "s": "s", "ms": "ms",
    "MBy": "MB", "kBy/s": "kB/s", "1": "",
}  # fmt: skip


def sign(unit: str) -> str:
    """The sign of a UCUM unit; the code itself where people have no other."""
    return _SIGNS.get(unit, unit)
