"""Files of every kind → frames with the cells as they are."""
