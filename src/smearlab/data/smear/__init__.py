"""The procedural blood smear: cells drawn from their textbook morphology with NumPy and Pillow.

Lengths are in pixels of the finished 96×96 picture, whose centre is (0, 0); colours are what a reference slide shows.
Drawing happens in absorbance (Beer–Lambert): what a structure takes from the light adds up where structures overlap,
and a slide's stain strength scales it, as under a microscope.
"""
