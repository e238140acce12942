"""What an action does: admission, placing, modifying, transferring."""
