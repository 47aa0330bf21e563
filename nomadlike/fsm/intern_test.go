// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

func TestShare(t *testing.T) {
	first := strings.Clone("Task started by client")
	if got := share(first); got != first {
		t.Fatalf("%q", got)
	}
	second := strings.Clone(first)
	if got := share(second); got != first || unsafe.StringData(got) != unsafe.StringData(share(first)) {
		t.Errorf("%q is another copy", got)
	}
	long := strings.Repeat("x", maxSharedText+1)
	share(long)
	if _, ok := shared.texts[long]; ok {
		t.Error("a long text is kept for ever")
	}
	for i := range 3 * maxShared {
		if s := fmt.Sprint(i); share(s) != s {
			t.Fatal(s)
		}
	}
	if len(shared.texts) > maxShared {
		t.Errorf("%d texts are kept", len(shared.texts))
	}
}
