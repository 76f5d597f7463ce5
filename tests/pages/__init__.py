"""The pages, as somebody without JavaScript uses them."""
