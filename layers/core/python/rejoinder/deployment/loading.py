"""A cold start without the garbage collector, which would go again and again through what stays.

Who imports this in a process of Lambda stops it, so it is imported before all that is large. That
saves 11 to 26 ms of CPU.
"""

import gc
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    gc.disable()


def loaded() -> None:
    """Collect garbage from now on, but never look at what is there already."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
