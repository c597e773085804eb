"""What each channel does at the edge: addresses, composing and handing over to a provider."""
