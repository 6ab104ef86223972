"""The ground floor: tables of the grid, where they come from, and what must be true of them."""
