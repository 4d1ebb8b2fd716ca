"""Everything that talks to the outside: the BentoML service, its HTTP contract and settings."""
