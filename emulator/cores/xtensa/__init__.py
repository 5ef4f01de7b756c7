"""Xtensa cores: the LX106 of the ESP8266 and the LX6 of the ESP32."""
