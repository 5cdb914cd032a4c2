"""Who may call: clients, what each may do, and the file that says so. Reads files, never the network."""
