"""What the command lines of hub and node share: exit codes, output, the way to the service."""
