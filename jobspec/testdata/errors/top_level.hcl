name = "x"
provider "p" {}
job "j" {}
