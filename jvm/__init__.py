"""The Java runtime and jars, for every package that runs a JVM."""
