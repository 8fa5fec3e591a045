"""The hardware: sources and encoders behind the ports, one package for each kind of board."""
