"""The kernel's structures and request numbers (64-bit), taken from v4l2-python3 where that is right and whole.

The only home of v4l2-python3. Source: linux/videodev2.h, linux/v4l2-subdev.h and linux/media.h of Linux 6.1;
a test compiles a C program and compares every size and number that is used here.
"""
