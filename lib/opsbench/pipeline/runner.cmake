# Filled by its part.
