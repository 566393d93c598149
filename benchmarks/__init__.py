"""What is measured of the lab itself, not of its techniques."""
