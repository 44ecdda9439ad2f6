# A measurement from configuration to result, and the searches over it.
