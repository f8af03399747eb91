"""How the judge reads an entry, what it remembers, what it writes."""
