"""What a station's own authority sees of its departments."""
