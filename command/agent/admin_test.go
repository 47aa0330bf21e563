// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestServerAddresses(t *testing.T) {
	for _, c := range []struct{ given, want []string }{
		{[]string{"10.0.0.1", "10.0.0.2:5000"}, []string{"10.0.0.1:4647", "10.0.0.2:5000"}},
		{[]string{"server.example.com"}, []string{"server.example.com:4647"}},
		{[]string{"[::1]:5000", "::1", "[::1]"}, []string{"[::1]:5000", "[::1]:4647", "[::1]:4647"}},
		{[]string{"10.0.0.1", ""}, nil},
		{[]string{":4647"}, nil},
		{[]string{"10.0.0.1:"}, nil},
		{[]string{"10.0.0.1:0"}, nil},
		{[]string{"10.0.0.1:65536"}, nil},
		{[]string{"10.0.0.1:rpc"}, nil},
		{[]string{"http://10.0.0.1:4647"}, nil},
		{[]string{"10.0.0.1, 10.0.0.2"}, nil},
	} {
		got, err := serverAddresses(c.given)
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) || err != nil && !api.IsClass(err, api.ClassInvalid) {
			t.Errorf("%q: %q, %v, want %q", c.given, got, err, c.want)
		}
	}
}

// TestSelfAfterReload: the agent tells the configuration that counts, with what a reload has changed.
func TestSelfAfterReload(t *testing.T) {
	a := &Agent{cfg: &Config{LogLevel: "INFO"}}
	a.mu.present = &Config{LogLevel: "DEBUG"}
	self, err := a.self()
	if err != nil {
		t.Fatal(err)
	}
	if l := self.Config["LogLevel"]; l != "DEBUG" {
		t.Errorf("log level %v", l)
	}
}
