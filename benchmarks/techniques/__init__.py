"""What the cards promise of speed: a module for each technique, named as its package."""
