// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestFindServers(t *testing.T) {
	testkit.Need(t, "sh")
	program := filepath.Join(t.TempDir(), "find")
	script := "#!/bin/sh\n[ \"$1\" = fail ] && { echo no cloud here >&2; exit 3; }\n[ \"$1\" = none ] || printf '10.0.0.%s\\n::2 a.example:99' \"$1\"\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addrs []string
		want  []string
		err   string
	}{
		{[]string{"a", "b:1", "::1", "[::1]:7", "a"}, []string{"a:4648", "b:1", "[::1]:4648", "[::1]:7"}, ""},
		{[]string{`{{ "10.0.0.1 10.0.0.2:9" }}`}, []string{"10.0.0.1:4648", "10.0.0.2:9"}, ""},
		{[]string{"exec=" + program + " 7"}, []string{"10.0.0.7:4648", "[::2]:4648", "a.example:99"}, ""},
		{[]string{"exec=" + program + " fail", "b"}, []string{"b:4648"}, "no cloud here"},
		{[]string{"exec=" + program + " none"}, nil, "prints no address"},
		{[]string{"exec=/nowhere/program"}, nil, "/nowhere/program"},
	} {
		got, err := findServers(context.Background(), c.addrs, defaultSerfPort)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.addrs, got, c.want)
		}
		if c.err == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: error %v, want %q", c.addrs, err, c.err)
		}
	}
}
