"""The programming interface's operations, one file a subject. Each calls the station's methods."""
