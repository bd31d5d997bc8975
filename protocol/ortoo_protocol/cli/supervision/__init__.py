"""supervise and report: the same at a station and at the hub."""
