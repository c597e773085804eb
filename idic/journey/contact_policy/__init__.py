"""policy.yaml as data, and what a journey adds to it."""
