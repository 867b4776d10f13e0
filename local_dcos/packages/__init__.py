"""What all packages share in the catalogue: options, the app of the scheduler, what Cosmos returns."""
