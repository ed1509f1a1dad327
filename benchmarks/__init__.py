"""Measurements of tunebook's speed, always as ratios against plain PEFT and the Trainer on the same machine.

    python -m benchmarks.speed --model DIR --data DIR        yardstick and engine in turn
    python -m benchmarks.multiply_rate --model DIR           the machine's matrix-multiply rate on the model's shapes
    python -m benchmarks.growth --model DIR --data DIR       how time grows with trials, rank, rows and length

Not part of the installed package; run from the repository's root.
"""
