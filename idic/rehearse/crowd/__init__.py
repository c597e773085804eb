"""Rehearse journeys on a crowd, invented or recorded."""
