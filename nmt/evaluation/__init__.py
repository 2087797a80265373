"""How good translations are: metrics, comparisons, test sets, and the one path to all of them."""
