"""
The boundary map: where acceptance really flips, for every limit of every field, held against the contract.

`axis` and `search` are pure: they know neither HTTP nor the contract. `slots` says where a value is put, `probes` sends
one and says what became of it; `numbers`, `lengths` and `values` make a result of the map from many of them; `survey`
goes through all limits. The command that keeps the map and draws it stands in `runner/boundaries`.
"""
