"""Journeys as people look at them: in words and as a picture. Pure: everything here works on a ``Program``."""
