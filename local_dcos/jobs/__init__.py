"""One-off jobs as Metronome runs them: definitions, their runs, and what is remembered of those."""
