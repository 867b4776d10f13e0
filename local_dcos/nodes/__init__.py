"""The agents of a cluster: which one takes a task, and the processes of several.

The main process of a cluster is its only agent, unless it has several. Then each is a process of its own.
"""
