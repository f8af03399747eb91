"""The media register 介质台账: what people do to it, what goes in and out of it."""
