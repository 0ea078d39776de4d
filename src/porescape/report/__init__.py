"""Reports: figures of every stage, tables, and self-contained pages."""
