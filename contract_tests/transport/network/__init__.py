"""What goes over the wire: connections that are bounded in time and size, and the proxy of the environment."""
