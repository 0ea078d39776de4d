"""95 % intervals: replicas, threshold, finite image, and the error of the method."""
