"""What runs in Mage's pods: one module per command, mounted into the image at /app."""
