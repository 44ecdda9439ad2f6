# Load on servers that speak Redis's protocol, clusters among them.
