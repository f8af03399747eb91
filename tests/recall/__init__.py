"""The recall matrix: what is really done in a ward against what Wardwatch says of it.

`scenarios` says what is done and which rules, and no others, must speak; `world` does it in
namespaces; `truth` is a capture outside that knows nothing of our code; `probe` is the product.
"""
