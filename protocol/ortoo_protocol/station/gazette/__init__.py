"""Announcements (公告) of the region, as hub and stations keep them."""

from ortoo_protocol.station.gazette.taking import put, take, take_withdrawal, withdraw

__all__ = ["put", "take", "take_withdrawal", "withdraw"]
