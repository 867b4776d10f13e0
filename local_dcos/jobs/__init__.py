"""One-off jobs in the manner of Metronome: definitions, runs, and their saved state."""
