"""Journeys in words and as pictures. Pure: everything here works on a ``Program``."""
