"""What the commands of wardwatch-collector do, one file a matter; `collector.cli` composes them."""
