"""Structures beyond memory: generated block by block, the same bytes as made whole.

A worker marches along z through a column of blocks and makes every layer once (`height_layers`), so a block
costs no halo but at both ends of its march (`march`). The level that separates pore from solid is the field's
exact k-th smallest value, the one `generate` takes, though the whole field is never in memory (`level`):

1. a few small boxes of the same material give a bracket, two values between which the level should lie;
2. one pass over all blocks decides the voxels outside the bracket and sets aside the few inside it with their
   values: a draft of each block;
3. the level is the value of the right rank among those set aside, and decides them (`make`).

If the level lies outside the bracket, the counts of the first pass tell between which two whole numbers it
lies, and a second pass finds it there.
"""
