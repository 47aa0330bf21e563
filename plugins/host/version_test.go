// SPDX-License-Identifier: MPL-2.0

package host

import (
	"errors"
	"testing"

	"github.com/nomadlike/nomadlike/plugins/base"
)

func TestNegotiate(t *testing.T) {
	tests := map[string]struct {
		offered []string
		want    string
		common  bool // the error is errNoCommonAPI
	}{
		"ours":            {offered: []string{"v0.1.0"}, want: "v0.1.0"},
		"own spelling":    {offered: []string{"0.1.0"}, want: "0.1.0"},
		"among others":    {offered: []string{"v0.2.0", "v0.1.0", "v0.0.1"}, want: "v0.1.0"},
		"short":           {offered: []string{"0.1"}, want: "0.1"},
		"nothing common":  {offered: []string{"v2.0.0"}, common: true},
		"pre-release":     {offered: []string{"v0.1.0-beta"}, common: true},
		"not a version":   {offered: []string{"latest"}},
		"no version":      {},
		"empty as a text": {offered: []string{""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := negotiate(test.offered)
			if got != test.want || (err == nil) != (test.want != "") || errors.Is(err, errNoCommonAPI) != test.common {
				t.Errorf("negotiated %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestCheckInfo(t *testing.T) {
	for text, valid := range map[string]bool{
		"0.1.0": true, "v2.0.0": true, "0.1.1-dev": true, "": false, "new": false,
	} {
		if _, err := checkInfo(&base.Info{Name: "x", Version: text}); (err == nil) != valid {
			t.Errorf("version %q: %v", text, err)
		}
	}
	if _, err := checkInfo(&base.Info{Version: "1.0.0"}); err == nil {
		t.Error("a plugin without a name was accepted")
	}
}
