"""The pure core: forecasting and deciding with the standard library and numpy alone.

Nothing here reads a clock, a file or the network; `now` is always an argument.
"""
