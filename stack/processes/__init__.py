"""The processes of the platform: how each is started, asked whether it is ready, and stopped."""
