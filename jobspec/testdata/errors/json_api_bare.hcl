{"ID": "api", "Name": "x", "TaskGroups": []}
