"""The regional catalog."""
