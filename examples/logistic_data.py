#!/usr/bin/env python3
"""Turns files of the UCI repository into tables for the target `logistic`: numbers, and the label in the last column.

    python3 logistic_data.py wdbc wdbc.data > cancer.csv
    python3 logistic_data.py ionosphere ionosphere.data > ionosphere.csv
    python3 logistic_data.py sonar sonar.all-data > sonar.csv
    python3 logistic_data.py german german.data > credit.csv
    python3 logistic_data.py german-numeric german.data-numeric > credit.csv

The repository (https://archive.ics.uci.edu) has the files: Breast Cancer Wisconsin (Diagnostic), Ionosphere,
Connectionist Bench (Sonar), and Statlog (German Credit Data). A problem for credit and cancer is

    {"target": {"type": "logistic", "data": "cancer.csv", "standardise": "scale", "prior_std": 10}}

and for ionosphere and sonar, as most papers on these targets have it,

    {"target": {"type": "logistic", "data": "sonar.csv", "standardise": "center-scale", "prior_std": 1}}
"""

import argparse
import sys


def label(cell, one, zero):
    if cell not in (one, zero):
        raise ValueError(f"the label {cell} is neither {one} nor {zero}")
    return int(cell == one)


def wdbc(line):
    """An id, M or B, and 30 numbers. The label is 1 for benign."""
    cells = line.split(",")
    return [float(cell) for cell in cells[2:]] + [label(cells[1], "B", "M")]


def ionosphere(line):
    """34 numbers and g or b. The label is 1 for a good radar return."""
    cells = line.split(",")
    return [float(cell) for cell in cells[:-1]] + [label(cells[-1], "g", "b")]


def sonar(line):
    """60 numbers and R or M. The label is 1 for a rock."""
    cells = line.split(",")
    return [float(cell) for cell in cells[:-1]] + [label(cells[-1], "R", "M")]


def german(line):
    """20 attributes, codes or numbers, and the label 1 or 2: the 24 numbers of german.data-numeric and the label - 1."""
    cells = line.split()
    digit = [cell[-1] for cell in cells]
    numbers = [digit[0], cells[1], digit[2], round(int(cells[4]) / 100), digit[5], digit[6], digit[8], cells[10], digit[11],
               cells[12], digit[13], cells[15], cells[17], digit[18], digit[19]]
    indicators = [(3, "A40"), (3, "A41"), (9, "A101"), (9, "A102"), (14, "A151"), (14, "A152"),
                  (16, "A171"), (16, "A172"), (16, "A173")]
    return [int(number) for number in numbers] + [int(cells[i] == code) for i, code in indicators] + [label(cells[20], "2", "1")]


def german_numeric(line):
    """24 numbers and the label 1 or 2."""
    cells = line.split()
    return [int(cell) for cell in cells[:-1]] + [label(cells[-1], "2", "1")]


FORMATS = {"wdbc": wdbc, "ionosphere": ionosphere, "sonar": sonar, "german": german, "german-numeric": german_numeric}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("file", type=argparse.FileType())
    given = parser.parse_args()
    for number, line in enumerate(given.file, start=1):
        if not line.strip():
            continue
        try:
            row = FORMATS[given.format](line.strip())
        except (ValueError, IndexError) as error:
            sys.exit(f"{given.file.name}: line {number} is no line of {given.format}: {error}")
        print(",".join(str(value) for value in row))


if __name__ == "__main__":
    main()
