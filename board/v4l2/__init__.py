"""Video4Linux2: capture from HDMI, SDI, S-Video and USB, by ioctl."""
