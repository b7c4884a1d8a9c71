"""What things cost. A package by name: a library of the tests ships a folder `benchmarks` of its own."""
