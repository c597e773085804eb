"""What providers report of messages, and the SMS that customers send: one route for every provider."""
