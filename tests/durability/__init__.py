"""What is promised to survive `kill -9`, shown with real processes: short in the tests, at length in the benchmark."""
