"""The generator for a graphics card: the same bytes, by array operations alone.

Every part takes the array namespace `xp` that it works with, numpy or CuPy, and has no compiled kernels of
its own. Random numbers are drawn on the CPU, by the one place for chance, and copied over.

Why the bytes are the same: sums are of whole numbers (or eighths of a voxel) that float32 holds exactly, in
any order; what is rounded is a single product, sum or square root at a time, which IEEE 754 fixes. For that,
nothing here may be fused: a compiler that joins `a * b + c` rounds once where two operations round twice.
"""
