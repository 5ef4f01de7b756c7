"""Blocks of the ESP8266 (ESP8266 Technical Reference)."""
