"""What is known of hardware, as data."""
