"""One-to-one marketing journeys on Temporal."""
