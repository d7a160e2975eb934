#!/usr/bin/env python3
"""What the CUDA compiler made of the kernels: registers, stack, blocks on a multiprocessor, and the instructions of their main loops.

    tools/kernel_report.py [--cuobjdump PATH] FOLDER

FOLDER holds the machine code that a build keeps (build/.../kernels/ptx-90). cuobjdump comes with the CUDA Toolkit. Prints the Markdown
tables of docs/performance.md. Needs no GPU.
"""

import argparse
import pathlib
import re
import subprocess
import sys

THREADS = 128  # of a thread block (kernels/geometry.hpp)
REGISTERS = 65536  # of a multiprocessor of compute capability 8.0 to 9.0
MOST_BLOCKS = 2048 // THREADS  # by its threads

FAMILIES = {"0": "small diag", "1": "small full", "2": "spherical", "3": "tied", "4": "diag", "5": "full"}
LAYOUTS = {"0": "thread", "1": "tile of 128", "2": "tile of 32"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def words(name):
    """`run_kernel<TileKernel<float, (Family)5, (Layout)2, true>, StepsJob<float> >(...)` in words; empty for other kernels."""
    name = re.sub(r"gmdiff::(kernels|particle)::", "", name)
    match = re.match(r"void run_kernel<(\w+)<(.*)>, (\w+)<", name)
    if match is None:
        return ""
    kernel, arguments, job = match.groups()
    real = "double" if "double" in arguments else "float"
    fast = ", fast" if "Fast" in arguments else ""
    family = re.search(r"\(Family\)(\d)", arguments)
    text = [job.removesuffix("Job").lower()]
    if kernel == "SmallKernel":
        dim, full = re.search(r", (\d+), (true|false)", arguments).groups()
        text.append(f"thread, d = {dim}, {'full' if full == 'true' else 'diag'}")
    elif kernel in ("ThreadKernel", "ChainThreadKernel"):
        most = arguments.split(", ")[-1]
        text.append(f"thread, d to {most}, {FAMILIES[family.group(1)]}")
    elif kernel == "ChainTileKernel":
        text.append(f"tile of 32, {FAMILIES[family.group(1)]}")
    else:
        layout = LAYOUTS[re.search(r"\(Layout\)(\d)", arguments).group(1)]
        memory = "" if arguments.endswith("true") else " in global memory"
        text.append(f"{layout}{memory}, {FAMILIES[family.group(1)]}")
    return f"{', '.join(text)}, {real}{fast}"


def resources(cuobjdump, cubin):
    """(mangled name, registers, stack bytes) of every kernel."""
    text = run(cuobjdump, "-res-usage", cubin)
    return re.findall(r"Function (\S+):\s+REG:(\d+) STACK:(\d+)", text)


def instructions(cuobjdump, cubin):
    """{mangled name: [(address, instruction)]}"""
    functions = {}
    for line in run(cuobjdump, "-sass", cubin).splitlines():
        if match := re.search(r"Function : (\S+)", line):
            body = functions.setdefault(match.group(1), [])
        elif match := re.match(r"\s+/\*([0-9a-f]+)\*/\s+(.*?)\s*;", line):
            body.append((int(match.group(1), 16), match.group(2)))
    return functions


def opcode(instruction):
    return re.sub(r"^@!?U?P\w+ ", "", instruction).split()[0]


def main_loop(body, fma):
    """Instructions of the innermost loop that is most densely fused multiply-adds, of those with at least 16."""
    jumps = []
    for address, instruction in body:
        if opcode(instruction).startswith("BRA") and (match := re.search(r"0x([0-9a-f]+)", instruction)):
            if int(match.group(1), 16) < address:
                jumps.append((int(match.group(1), 16), address))
    innermost = [loop for loop in jumps if not any(loop != other and loop[0] <= other[0] and other[1] <= loop[1] for other in jumps)]
    loops = [[opcode(i) for address, i in body if first <= address <= last] for first, last in innermost]
    loops = [loop for loop in loops if count(loop, fma) >= 16]
    return max(loops, key=lambda loop: count(loop, fma) / len(loop), default=[])


def count(codes, *prefixes):
    return sum(code.startswith(prefixes) for code in codes)


def row(name, registers, stack, body):
    allocated = (registers + 7) // 8 * 8
    blocks = min(MOST_BLOCKS, REGISTERS // (allocated * THREADS))
    local = count([opcode(i) for _, i in body], "LDL", "STL")
    fma = "DFMA" if "double" in name else "FFMA"
    loop = main_loop(body, fma)
    inner = f"{len(loop)} | {count(loop, fma)} | {count(loop, 'LDS', 'LDG', 'LD.')}" if loop else "| |"
    return f"| {name} | {registers} | {stack} | {local} | {blocks} | {inner} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuobjdump", default="cuobjdump")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    cubins = sorted(arguments.folder.glob("*.cubin"))
    if not cubins:
        sys.exit(f"{arguments.folder}: no machine code (*.cubin) here")
    print("| kernel | registers | stack, bytes | accesses to it | blocks a multiprocessor | densest loop: instructions | multiply-adds | loads |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for cubin in cubins:
        code = instructions(arguments.cuobjdump, str(cubin))
        kernels = [(words(run("c++filt", mangled).strip()), int(registers), int(stack), code[mangled])
                   for mangled, registers, stack in resources(arguments.cuobjdump, str(cubin))]
        for kernel in sorted((kernel for kernel in kernels if kernel[0]), key=lambda kernel: kernel[0]):
            print(row(*kernel))


if __name__ == "__main__":
    main()
