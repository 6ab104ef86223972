"""Foreign models, turned into our tables."""
