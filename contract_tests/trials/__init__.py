"""The suite on trial: planted faults, mutations, the baseline."""
