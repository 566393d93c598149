"""How requests are sent, and what came of them: the loops, the clock, the connection."""
