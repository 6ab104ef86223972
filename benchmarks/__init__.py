"""Speed, as ratios of two things timed in turn in one run. Never a test: what is slow here is reported, not failed."""
