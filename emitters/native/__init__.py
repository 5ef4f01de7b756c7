"""Machine code for functions: the reference's native and viper emitters, and their machines."""
