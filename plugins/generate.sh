#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Generates the Go code of the plugin protocol from its .proto files. It needs
# nothing but Go; the tools are built at the versions below, and the Go plugins
# at those of the libraries in go.mod.
#
# The paths of the files are relative to the root of the repository because they
# become the registered descriptor names, which are part of the contract.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
export GOBIN="$tools"
go install github.com/bufbuild/buf/cmd/buf@v1.59.0
go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2

PATH="$tools:$PATH" buf generate . --path plugins --template '{
	"version": "v2",
	"plugins": [
		{"local": "protoc-gen-go", "out": ".", "opt": "module=github.com/nomadlike/nomadlike"},
		{"local": "protoc-gen-go-grpc", "out": ".", "opt": "module=github.com/nomadlike/nomadlike"}
	]
}'

# Drop the line with the version of the compiler, which says nothing of the code.
find plugins -name '*.pb.go' | while read -r file; do
	sed -i.bak '/^\/\/.*[[:space:]]protoc  *[v(]/d' "$file" && rm -f "$file.bak"
done
