"""Finding things by what people paste or type: ids, beginnings of ids, and names."""
