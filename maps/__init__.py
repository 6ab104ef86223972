"""Maps: what an outage looks like on the ground, for control and, after the privacy rule, for everybody."""
