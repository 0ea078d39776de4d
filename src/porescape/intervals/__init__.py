"""95 % intervals: replicas, threshold, finite image, and the method's own error."""
