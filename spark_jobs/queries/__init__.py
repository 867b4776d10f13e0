"""Questions to what stores hold, in Spark SQL."""
