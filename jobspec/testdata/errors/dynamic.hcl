job "j" {
  dynamic "nope" {
    for_each = []
    content {}
  }
  dynamic "update" {
    content {}
  }
  dynamic "group" {
    for_each = null
    labels   = ["x"]
    content {}
  }
  dynamic "group" {
    for_each = 3
    labels   = ["x"]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = [group.value]
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = [group.value]
    content {}
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = ["a", "b"]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = [null]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = [["list"]]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    iterator = a.b
    labels   = ["x"]
    content {}
  }
  dynamic "group" {
    for_each = ["a"]
    labels   = ["x"]
    content {
      count = group.missing
    }
  }
  dynamic "update" {
    for_each = [1, 2]
    content {}
  }
}
