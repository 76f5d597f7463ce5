"""HTTP, as far as every slice needs it: bodies, cookies and origins, limits, problems, routing, the contract."""
