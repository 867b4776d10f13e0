"""The engines that can run the bundle: their protocol, and one package for each.

Commands and steps import only `protocol`, `surroundings`, and `memory` for a cluster that does not exist yet.
`session` chooses the engine.
"""
