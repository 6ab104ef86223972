"""The rules that a network must keep, one small vector rule a function."""
