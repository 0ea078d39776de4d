"""From a micrograph to the section that is fitted: segmented, checked, at the voxel size of the replicas."""
