"""Where the blocks of a run are measured: on this machine, or on the hosts of a cluster."""
