"""What the region's authority sees: findings for doctor, facts of leagues for supervision."""
