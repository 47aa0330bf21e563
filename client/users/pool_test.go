// SPDX-License-Identifier: MPL-2.0

package users

import (
	"errors"
	"testing"
)

func TestPool(t *testing.T) {
	p := NewPool(80000, 80003)
	p.Claim(80001)
	lend := func(want int) {
		t.Helper()
		if got, err := p.Lend(); err != nil || got != want {
			t.Errorf("Lend = %d, %v, want %d", got, err, want)
		}
	}
	lend(80000)
	lend(80002)
	p.Return(80000)
	lend(80003) // the one that was given back comes last
	lend(80000)
	if got, err := p.Lend(); !errors.Is(err, ErrExhausted) {
		t.Errorf("Lend = %d, %v, want %v", got, err, ErrExhausted)
	}
	p.Return(80002)
	lend(80002)
}

func TestNames(t *testing.T) {
	if id, err := Parse(Name(80000)); id != 80000 || err != nil {
		t.Errorf("Parse = %d, %v", id, err)
	}
	for _, bad := range []string{"", "nomad-", "nomad-x", "nomad-08", "root", "80000"} {
		if id, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %d", bad, id)
		}
	}
}
