"""Blocks of the ESP32 (ESP32 Technical Reference Manual)."""
