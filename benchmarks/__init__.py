"""The figures that are quoted, each beside a baseline that does the same work in the same run."""
