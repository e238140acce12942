"""The words everything else is written in: units, grids, events, commands, limits, permits, errors.

Nothing here performs input or output, reads a clock or draws a random number.
"""
