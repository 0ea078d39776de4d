"""Which solid lies in the plane of the cut, and which behind it: a classifier of pixels."""
