#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Generates the Go code of the plugin protocol from its .proto files.
# Needs protoc on PATH; the Go plugins are built at the pinned versions below.
# File paths given to protoc are relative to the repository root because they
# become the registered descriptor names, which are part of the contract.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
GOBIN="$tools" go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN="$tools" go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2

PATH="$tools:$PATH" protoc -I . \
	--go_out=. --go_opt=module=github.com/nomadlike/nomadlike \
	--go-grpc_out=. --go-grpc_opt=module=github.com/nomadlike/nomadlike \
	plugins/shared/hclspec/hcl_spec.proto \
	plugins/shared/structs/proto/attribute.proto \
	plugins/shared/structs/proto/stats.proto \
	plugins/shared/structs/proto/recoverable_error.proto \
	plugins/base/proto/base.proto \
	plugins/drivers/proto/driver.proto \
	plugins/device/proto/device.proto

# protoc stamps its own version; drop the line so that output does not depend on it.
find plugins -name '*.pb.go' | while read -r f; do
	sed -i.bak '/^\/\/.*[[:space:]]protoc  *v[0-9]/d' "$f" && rm -f "$f.bak"
done
