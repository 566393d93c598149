"""Load without end, and how it is told what to do."""
