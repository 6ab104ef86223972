"""The commands, a module for each kind. Libraries are imported inside the commands: those of maps and tables take seconds."""
