#!/usr/bin/env python3
"""What benchmarks/gpu_check.sh says of records (JSON of Google Benchmark). Python's own library alone.

  gpu_table.py names FIGURES EXECUTABLE < LIST   whether LIST (--benchmark_list_tests) has every benchmark that a figure names
  gpu_table.py record MACHINE FROM TO            a record under the machine's public name, without paths
  gpu_table.py table FIGURES RECORD...           the table, and which figures are met

FIGURES is a JSON array; each entry wants a counter of a benchmark to be `at_least` or `at_most` a number, or that number `times` the same
counter of another benchmark of the record. Exit codes: 0 all met, 1 something is missing or failed, 3 a figure is missed.
"""

import json
import os
import statistics
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def names(figures_path, executable):
    figures = [figure for figure in read(figures_path) if figure["executable"] == executable]
    known = {line.strip() for line in sys.stdin}
    wanted = {figure[key] for figure in figures for key in ("benchmark", "times") if key in figure}
    missing = sorted(wanted - known)
    for name in missing:
        print(f"{executable} has no benchmark {name}")
    print(f"{executable}: {len(known)} benchmarks, {len(figures)} figures")
    return 1 if missing or not known else 0


def record(machine, source, target):
    content = read(source)
    content["context"]["host_name"] = machine
    content["context"]["executable"] = os.path.basename(content["context"]["executable"])
    with open(target, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    return 0


class Record:
    """Benchmarks of one executable in their order; a counter is the median over the repetitions."""

    def __init__(self, path):
        content = read(path)
        self.context = content["context"]
        self.executable = os.path.basename(self.context["executable"])
        self.runs = {}
        for run in content["benchmarks"]:
            if run["run_type"] == "iteration":
                self.runs.setdefault(run["name"], []).append(run)

    def error(self, name):
        return next((run["error_message"] for run in self.runs[name] if run.get("error_occurred")), None)

    def counter(self, name, counter):
        values = [run[counter] for run in self.runs.get(name, []) if counter in run and not run.get("error_occurred")]
        return statistics.median(values) if values else None


def wanted(figure):
    sign, number = (">=", figure["at_least"]) if "at_least" in figure else ("<=", figure["at_most"])
    if "times" in figure:
        return f"{figure['counter']} {sign} {number:g} x {short(figure['times'])}"
    return f"{figure['counter']} {sign} {number:g}"


def verdict(figure, of_record):
    """met, MISSED or MISSING, and the value."""
    value = of_record.counter(figure["benchmark"], figure["counter"])
    unit = of_record.counter(figure["times"], figure["counter"]) if "times" in figure else 1.0
    if value is None or unit is None:
        return "MISSING", ""
    met = value >= figure["at_least"] * unit if "at_least" in figure else value <= figure["at_most"] * unit
    return ("met" if met else "MISSED"), f"{value / unit:.3g}"


def short(name):
    return name.split("/iterations:")[0]


def print_record(of_record):
    for name in of_record.runs:
        if of_record.error(name):
            print(f"  {short(name):52} FAILED: {of_record.error(name)}")
            continue
        rates = (of_record.counter(name, f"{what}_per_second") for what in ("particle_steps", "points", "iterations"))
        rate = next(rate for rate in rates if rate is not None)
        share = of_record.counter(name, "share_of_fma_ceiling")
        print(f"  {short(name):52} {rate:10.3g} {f'{100 * share:.0f} %' if share else '':>8}")


def table(figures_path, *paths):
    figures = read(figures_path)
    records = {of_record.executable: of_record for of_record in map(Record, paths)}
    results = []
    for executable, of_record in records.items():
        print(f"{executable} on {of_record.context.get('gpu', 'no GPU')}, commit {of_record.context.get('commit', 'unknown')}")
        for ceiling in ("gpu_fma_per_second_f32", "gpu_fma_per_second_f64", "gpu_copied_bytes_per_second"):
            if ceiling in of_record.context:
                print(f"  {ceiling:52} {float(of_record.context[ceiling]):10.3g}")
        print(f"  {'benchmark':52} {'a second':>10} {'share':>8}")
        print_record(of_record)
        results += ["FAILED" for name in of_record.runs if of_record.error(name)]
    print("figures to reach")
    for figure in figures:
        of_record = records.get(figure["executable"])
        result, value = verdict(figure, of_record) if of_record else ("MISSING", "")
        print(f"  {result:8} {value:>8}  {short(figure['benchmark'])}: {wanted(figure)}")
        results.append(result)
    if "FAILED" in results or "MISSING" in results:
        return 1
    return 3 if "MISSED" in results else 0


if __name__ == "__main__":
    commands = {"names": names, "record": record, "table": table}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
