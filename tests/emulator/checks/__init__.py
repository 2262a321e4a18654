"""The checks of the emulator's rules, by service."""
