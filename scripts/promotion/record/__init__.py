"""What releases and evidence say of themselves, and whether it is true."""
