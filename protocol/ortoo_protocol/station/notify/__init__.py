"""Notices to people (通知): by file, mail, and posts to gateways. The queue stands in the store."""
