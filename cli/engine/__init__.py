"""The engines that can run the bundle: their protocol, and one package for each.

Commands and steps import only `protocol`. `session` chooses the engine.
"""
