"""Who may act: API tokens now; people, roles and sign-ins have their place here."""
