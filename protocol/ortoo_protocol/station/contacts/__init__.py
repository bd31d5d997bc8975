"""Who is responsible in each department, and who stands in for whom."""
