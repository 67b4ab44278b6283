"""
The boundary map: where acceptance really flips, for every limit of every field, held against openapi.yaml.

`spaces` and `search` are pure: they know neither HTTP nor the contract. `probes` sends one value and says what became
of it; `limits`, `lengths` and `values` make a row of the map from many of them; `survey` goes through all rows, and `making`
keeps them.
"""
