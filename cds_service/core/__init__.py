"""Pure core: facts in, decisions out. Standard library only, no clock, no files, no network."""
