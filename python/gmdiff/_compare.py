"""Comparisons of samplers as tables."""

import html

from . import _core


class Comparison(list):
    """The rows of a comparison, one `SamplerRow` for each sampler, in their order."""

    def to_dicts(self):
        """One dict for each sampler and quantity; a sampler that failed has one, with its error."""
        table = []
        for row in self:
            shared = {
                name: getattr(row, name)
                for name in (
                    "log_evidence_error",
                    "log_evidence_sd",
                    "ess",
                    "smallest_ess",
                    "evaluations",
                    "ess_per_second",
                    "seconds",
                )
            } | {name: getattr(row, name) for name in ("problems", "runs", "diverged", "reused", "error")}
            if not row.quantities:
                table.append({"sampler": row.sampler, "quantity": None} | shared)
            for figures in row.quantities:
                names = ("value", "standard_error", "median", "floor", "floor_sd", "ratio")
                own = {name: getattr(figures, name) for name in names}
                table.append({"sampler": row.sampler, "quantity": figures.quantity} | own | shared)
        return table

    def to_pandas(self):
        """The dicts of `to_dicts` as a DataFrame of pandas."""
        import pandas

        return pandas.DataFrame(self.to_dicts())

    def _cells(self):
        cells = [("sampler", "quantity", "value", "floor", "ratio", "seconds")]
        for row in self:
            if row.error:
                cells.append((row.sampler, "failed: " + row.error, "", "", "", ""))
            for figures in row.quantities:
                numbers = (figures.value, figures.floor, figures.ratio, row.seconds)
                cells.append((row.sampler, figures.quantity, *(f"{number:.4g}" for number in numbers)))
        return cells

    def _repr_html_(self):
        """The table for notebooks."""
        rows = [[html.escape(cell) for cell in line] for line in self._cells()]
        head = "".join(f"<th>{cell}</th>" for cell in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in rows[1:])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self):
        cells = self._cells()
        widths = [max(len(line[i]) for line in cells if not line[1].startswith("failed")) for i in range(6)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
        ]
        return "\n".join(line.rstrip() for line in lines)


def compare(problems, samplers, metrics="sw", **options):
    """Runs every sampler on every problem and judges its samples against the exact law.

    problems: a problem, a list or a dict of names and problems. samplers: the same of samplers, their texts,
    "draw" for exact draws, or functions of (problem, count, seed) that return samples (count, d). The options
    are those of `compare_rows`, which returns the rows as a plain list.
    """
    return Comparison(_core.compare_rows(problems, samplers, metrics, **options))
