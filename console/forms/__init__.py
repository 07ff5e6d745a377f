"""Forms made of WIT types: fields named as the codec names the parts of a value, and JSON that is exact to the digit.

What a browser sends is kept as it came, by the names of its inputs; reading and writing are inverse to each other.
"""
