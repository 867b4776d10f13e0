"""What every room that runs a JVM needs: a Java runtime, and jars."""
