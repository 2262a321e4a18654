"""The checks of the emulator, by service."""
