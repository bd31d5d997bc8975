"""What the law asks, as data and pure functions: rule profiles, working days, deadlines."""
