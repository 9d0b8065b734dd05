"""Sunrise and sunset at the site, for each solar day, whatever zone its clocks keep.

A solar day is counted by the sun's own noon at the longitude, so that a change of the zone moves no
sunset. The sun's position is astral's (NOAA's equations); the sun rises and sets when its centre is
90.833 degrees from the zenith, as in the tables of the US Naval Observatory.
"""

import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rules.local_time import DAY_MS, MINUTE_MS, day_of

ZENITH = 90.833  # degrees: 34 minutes of arc of refraction, 16 of the sun's radius
_ROUNDS = 3  # each is some hundred times nearer than the one before
_NOON_MIN = 720.0
_MINUTES_A_DEGREE = 4.0


class Event(StrEnum):
    """What the sun does twice a day."""

    SUNRISE = "sunrise"
    SUNSET = "sunset"


class Polar(StrEnum):
    """Why the sun neither rises nor sets."""

    DAY = "polar day"
    NIGHT = "polar night"


@dataclass(frozen=True, kw_only=True)
class Sun:
    """The sun over a place; degrees, north and east positive."""

    latitude: float
    longitude: float

    def event(self, event: Event, day: date) -> int | Polar:
        """The instant in the solar day, UTC in ms to the minute, or why there is none."""
        # Only a kitchen that goes by the sun pays for the equations.
        from astral.julian import julianday, julianday_to_juliancentury
        from astral.sun import eq_of_time, sun_declination

        start = julianday(day)
        sign = 1.0 if event is Event.SUNRISE else -1.0
        minutes = _NOON_MIN - _MINUTES_A_DEGREE * self.longitude
        for _ in range(_ROUNDS):
            century = julianday_to_juliancentury(start + minutes / (2 * _NOON_MIN))
            angle = self._hour_angle(sun_declination(century))
            if isinstance(angle, Polar):
                return angle
            degrees = self.longitude + sign * angle
            minutes = _NOON_MIN - _MINUTES_A_DEGREE * degrees - eq_of_time(century)
        return _midnight(day) + round(minutes) * MINUTE_MS

    def solar_day(self, utc_ms: int) -> date:
        """The solar day an instant lies in."""
        return day_of(utc_ms + round(self.longitude * _MINUTES_A_DEGREE * MINUTE_MS))

    def _hour_angle(self, declination: float) -> float | Polar:
        """How far from noon the sun rises and sets, in degrees."""
        latitude, sun = math.radians(self.latitude), math.radians(declination)
        across = math.cos(latitude) * math.cos(sun)
        cosine = math.cos(math.radians(ZENITH)) / across - math.tan(latitude) * math.tan(sun)
        if abs(cosine) > 1.0:
            return Polar.NIGHT if cosine > 0.0 else Polar.DAY
        return math.degrees(math.acos(cosine))


def _midnight(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS
