"""The models a user can choose from: bundled, added, downloaded."""
