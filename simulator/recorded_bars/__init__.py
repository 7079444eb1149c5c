"""Recorded one-minute bars: reading them, trades and candles made of them."""
