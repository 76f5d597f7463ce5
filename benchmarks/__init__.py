"""What doorward costs, measured beside something it can be compared with: ``make bench``, or ``python -m benchmarks``.

Every benchmark measures two things in one run and quotes medians, ratios and CPU time, which can be compared between
machines and survive a busy one. The aims, and what each figure means, are in ``docs/reference/benchmarks.md``.
"""
