"""SEM-like micrographs of any volume: what a detector above a cut through it would show.

A picture whose truth is known teaches a segmentation, and judges one. `look` says how a picture looks,
`cut` what the beam meets, `signal` what it sends back, `instrument` what the microscope makes of that.
"""
