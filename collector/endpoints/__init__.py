"""The endpoint register 终端台账: who answers for a machine, where it stands, how it is protected."""
