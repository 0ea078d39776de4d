"""From a micrograph to the fitted section: segmented, checked, at the voxel size of the replicas."""
