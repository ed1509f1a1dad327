"""Runs trials on the devices of a Ray cluster.

    runner --> pool --> gateway process (the only one that imports Ray) -- actor calls --> seat --> worker process

A seat is a Ray actor that holds one device. It starts the worker process that executor `local` would start, and passes
on its messages. The gateway is a process of its own because Ray ends the process that uses it when the cluster's head
is gone, and may wait for minutes for a cluster that is not there.
"""
