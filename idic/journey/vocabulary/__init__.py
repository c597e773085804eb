"""The vocabulary: every name a journey may use, with its type."""
