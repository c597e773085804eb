"""Rehearse journeys before they run: stories of single people, and crowds."""
