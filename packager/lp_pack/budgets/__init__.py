"""Device budgets: what a graph costs, and an estimate of how long that takes on a device class."""
