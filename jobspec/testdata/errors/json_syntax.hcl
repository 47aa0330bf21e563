{
  "job": {
    "j": {
      "type": "batch",,
    }
  }
}
