"""For all tests: rule files are read hundreds of times, and looking for garbage meanwhile would take a fifth of it."""

import gc

gc.set_threshold(50_000, 20, 50)
