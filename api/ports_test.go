// SPDX-License-Identifier: MPL-2.0

package api

import (
	"slices"
	"testing"
)

func TestParsePorts(t *testing.T) {
	for _, test := range []struct {
		list string
		want []PortRange
		err  string
	}{
		{"", nil, ""},
		{" ", nil, ""},
		{"22", []PortRange{{22, 22}}, ""},
		{"22, 8000-8100 ,65535", []PortRange{{22, 22}, {8000, 8100}, {65535, 65535}}, ""},
		{"22,x,0,9-8,65536,80", []PortRange{{22, 22}, {80, 80}}, `"x" is neither a port nor a range of ports such as 8000-8100
"0" is neither a port nor a range of ports such as 8000-8100
"9-8" is neither a port nor a range of ports such as 8000-8100
"65536" is neither a port nor a range of ports such as 8000-8100`},
		{"22,", []PortRange{{22, 22}}, `"" is neither a port nor a range of ports such as 8000-8100`},
	} {
		got, err := ParsePorts(test.list)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !slices.Equal(got, test.want) || text != test.err {
			t.Errorf("%q: %v, %q", test.list, got, text)
		}
	}
}
