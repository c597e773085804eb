"""Drive journeys on the store: route events, hold customers, move enrollments, and tell Temporal."""
