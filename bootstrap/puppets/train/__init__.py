"""Trains every model the package ships, from scratch, on drawings of the puppet world.

`python -m bootstrap.puppets.train base --minutes 60`. Not needed to use the package: the weights are shipped.
"""
