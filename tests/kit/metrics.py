# SPDX-License-Identifier: MIT
"""metrics -- Prometheus text, read"""


class Metrics:
    """Prometheus text as a table."""

    def __init__(self, text):
        self.text, self.rows = text, []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                name, _, labels = series.partition("{")
                self.rows.append((name, self._labels(labels), float(value)))

    @staticmethod
    def _labels(text):
        out, text = {}, text.rstrip("}")
        while text:
            name, _, rest = text.partition('="')
            value, _, text = rest.partition('"')
            out[name.lstrip(",")] = value
        return out

    def total(self, name, **labels):
        """The sum of all series of a name whose labels fit."""
        return sum(v for n, ls, v in self.rows if n == name and all(
            ls.get(k) == w for k, w in labels.items()))

    def names(self):
        return {n for n, _, _ in self.rows}
