"""The touchscreen page's files; a package so that they are installed with the code."""
