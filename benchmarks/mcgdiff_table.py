#!/usr/bin/env python3
"""Prints the table of the records that mcgdiff_table.sh wrote to a folder: python3 benchmarks/mcgdiff_table.py DIR"""

import json
import pathlib
import sys

# Sliced W1 of MCGdiff in the table of its paper, by (d_x, d_y, steps); the problem is that of mathematics.md §7.8.
PUBLISHED = {(8, 2, 20): 1.59, (8, 4, 20): 2.1, (80, 2, 20): 3.9, (80, 4, 20): 2.3, (400, 2, 20): 1.7, (80, 4, 100): 1.8}


def cell_of(path):
    return tuple(int(part) for part in path.stem.split("-")[1:])


def line_of(cell, rows):
    by_kernel = {("exact" if "kernel=exact" in row["sampler"] else "ddim"): row for row in rows}
    ddim, exact = by_kernel["ddim"], by_kernel["exact"]
    published = PUBLISHED.get(cell)
    return "| {} | {} | {} | {:.3f} ± {:.3f} | {:.3f} ± {:.3f} | {:.3f} | {} | {:+.3f} | {:+.3f} |".format(
        *cell, ddim["value"], 1.96 * ddim["standard_error"], exact["value"], 1.96 * exact["standard_error"], exact["floor"],
        "" if published is None else published, ddim["log_evidence_error"], exact["log_evidence_error"])


def main():
    folder = pathlib.Path(sys.argv[1])
    print("| d_x | d_y | steps | ddim | exact kernel | floor | published | log-evidence error, ddim | exact kernel |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in sorted(folder.glob("mcgdiff-*.json"), key=cell_of):
        print(line_of(cell_of(path), json.loads(path.read_text())["rows"]))


if __name__ == "__main__":
    main()
