"""A real board made of software: test pattern with time strip, faults on demand."""
