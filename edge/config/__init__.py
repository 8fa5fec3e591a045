"""Configuration: strict, frozen, layered."""
