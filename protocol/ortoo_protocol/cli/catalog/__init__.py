"""What station and hub show of the catalog alike: found entries, numbers, the printed report."""
