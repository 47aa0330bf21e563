{
  "Job": {"ID": "api"},
  "job": {
    "j": {
      "typ": "batch",
      "meta": "x",
      "group": {"g": {"count": "${1.5}", "task": {"t": {"env": {"A": ["x"]}, "config": [{"a": 1}, 3]}}}}
    }
  }
}
