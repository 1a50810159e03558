"""Upscaling on the machines of a dask cluster.

The process where it was asked for owns the store and hands out blocks, which workers write into their places.
Workers need a network, the input and the store's folder. Who computes what and
when is dask's; all of the rest is as on one machine.
"""
