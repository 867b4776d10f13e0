"""What is worth acting on: volatility regimes, anomalous ticks, limits that a price may reach.

Each module decides on numbers of one position and knows nothing of streams, state stores or time but what it
is given.
"""
