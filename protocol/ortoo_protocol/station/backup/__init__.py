"""Backups (备份): store, settings, keys and trust of a party in one sealed file, and back."""
