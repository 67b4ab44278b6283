"""How the typed client is written: settings, a few templates of our own, and the command behind `make client`."""
