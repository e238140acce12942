"""Benchmarks anyone can run: `make bench`, or `python -m scripts.bench decode sign` for some of them.

Each number stands beside a baseline measured in the same run on the same machine; read the factors first.
"""
