"""Nothing lost, nothing twice: real processes, killed without warning."""
