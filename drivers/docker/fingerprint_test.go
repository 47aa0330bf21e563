// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"net"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// TestEngineThatDoesNotAnswer checks that the node tells which engine it is, and why.
func TestEngineThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // nobody is there any more
	d := New(hclog.NewNullLogger())
	schema, err := config.Compile(pluginSchema)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := schema.Encode(map[string]any{"endpoint": "tcp://" + address}, &config.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetConfig(t.Context(), &base.Config{Values: encoded}); err != nil {
		t.Fatal(err)
	}
	found, err := d.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := <-found
	if got.Health != drivers.HealthUndetected || !strings.HasPrefix(got.HealthDescription, "Failed to connect to docker daemon: ") ||
		!strings.Contains(got.HealthDescription, address) {
		t.Errorf("the engine is %+v", got)
	}
}
