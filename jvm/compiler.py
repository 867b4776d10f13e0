"""When a JVM compiles a method with C2, the last and most expensive tier of its compiler."""

LATE_C2 = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
"""Options: only after ten times as many calls and loops as usual.

With little data, C2 takes a third of the CPU time of a JVM's first minute and never pays for itself. With
much data, the thresholds are reached within a second, and the older profile gives faster code (bench/LOG.md).
"""
