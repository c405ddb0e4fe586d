"""What a service may watch: the live subscriptions with every hold over them."""
