"""The HTTP API: ingestion, service endpoints, tracked links, customers' pages, the console and webhooks."""
