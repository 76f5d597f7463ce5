"""Token Status Lists: places, lists, and who reads them."""
