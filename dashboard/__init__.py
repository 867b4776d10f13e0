"""The live page of the pipeline: prices, volatility, and how every component is."""
