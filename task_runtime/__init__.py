"""What every app needs to run as a task of a cluster: a typed environment, and pages for health checks."""
