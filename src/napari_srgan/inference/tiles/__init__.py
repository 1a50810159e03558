"""How a plane is cut: tiles with halos, their grid, their size, and how they are joined."""
