"""Removable media: what a medium is, where it is mounted, who touched it, what a scan found."""
