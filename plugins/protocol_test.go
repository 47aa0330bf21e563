// SPDX-License-Identifier: MPL-2.0

package plugins_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the files that tests compare with")

// protocolFiles are the registered names of the published protocol's files.
var protocolFiles = []string{
	"plugins/base/proto/base.proto",
	"plugins/device/proto/device.proto",
	"plugins/drivers/proto/driver.proto",
	"plugins/shared/hclspec/hcl_spec.proto",
	"plugins/shared/structs/proto/attribute.proto",
	"plugins/shared/structs/proto/recoverable_error.proto",
	"plugins/shared/structs/proto/stats.proto",
}

// TestProtocol compares names, numbers and types of everything on the wire with
// the published protocol. The file is a contract: it changes only when the
// protocol does.
func TestProtocol(t *testing.T) {
	var out strings.Builder
	for _, path := range protocolFiles {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			t.Fatalf("%s is not registered: %v", path, err)
		}
		fmt.Fprintf(&out, "file %s\n", path)
		for i := range file.Services().Len() {
			describeService(&out, file.Services().Get(i))
		}
		describeEnums(&out, file.Enums())
		describeMessages(&out, file.Messages())
	}
	golden := filepath.Join("testdata", "protocol.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the protocol has changed (-published +ours):\n%s", diff)
	}
}

func describeService(out *strings.Builder, service protoreflect.ServiceDescriptor) {
	fmt.Fprintf(out, "service %s\n", service.FullName())
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		stream := func(streaming bool) string {
			if streaming {
				return "stream "
			}
			return ""
		}
		fmt.Fprintf(out, "  %s (%s%s) (%s%s)\n", method.Name(),
			stream(method.IsStreamingClient()), method.Input().Name(),
			stream(method.IsStreamingServer()), method.Output().Name())
	}
}

func describeEnums(out *strings.Builder, enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		enum := enums.Get(i)
		fmt.Fprintf(out, "enum %s\n", enum.FullName())
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			fmt.Fprintf(out, "  %d %s\n", value.Number(), value.Name())
		}
	}
}

func describeMessages(out *strings.Builder, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		if message.IsMapEntry() {
			continue
		}
		fmt.Fprintf(out, "message %s\n", message.FullName())
		for j := range message.Fields().Len() {
			field := message.Fields().Get(j)
			fmt.Fprintf(out, "  %d %s %s\n", field.Number(), field.Name(), describeType(field))
		}
		describeEnums(out, message.Enums())
		describeMessages(out, message.Messages())
	}
}

func describeType(field protoreflect.FieldDescriptor) string {
	if field.IsMap() {
		return "map<" + describeType(field.MapKey()) + ", " + describeType(field.MapValue()) + ">"
	}
	name := field.Kind().String()
	switch {
	case field.Message() != nil:
		name = string(field.Message().FullName())
	case field.Enum() != nil:
		name = string(field.Enum().FullName())
	}
	switch {
	case field.IsList():
		return "repeated " + name
	case field.ContainingOneof() != nil:
		return "oneof " + string(field.ContainingOneof().Name()) + " " + name
	}
	return name
}
