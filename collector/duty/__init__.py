"""The duty roster 值班表: who is on duty when, and what one shift hands over to the next."""
