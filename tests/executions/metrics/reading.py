"""Reading metrics as Prometheus does."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of a name in Prometheus' text form, by their labels' values in the order of the names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def names(text: str) -> set[str]:
    """Return the names of all samples."""
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def declared(text: str) -> set[str]:
    """Return the names that samples may have, and those of histograms as a whole."""
    found = set()
    for family in text_string_to_metric_families(text):
        match family.type:
            case "counter":
                found.add(f"{family.name}_total")
            case "histogram":
                found |= {family.name, *(f"{family.name}_{part}" for part in ("bucket", "count", "sum"))}
            case _:
                found.add(family.name)
    return found
