"""Classes of module `esp32`."""
