"""The seam to the engine that runs the bundle: what `pipectl` needs of any, and one folder for each there is.

Commands and steps import `protocol` only; `session` chooses the engine.
"""
