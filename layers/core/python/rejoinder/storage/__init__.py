"""Where responses are kept: what every store promises. The embedded one is in `local/`."""
