"""What a token and a key must be like before it is trusted: values in, values out. `edges.auth` does the asking."""
