"""Wall voxel annealing: the last step of a reconstruction."""
