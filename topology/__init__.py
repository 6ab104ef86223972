"""The first floor: the grid as arrays, and what is supplied when something opens, closes or fails."""
