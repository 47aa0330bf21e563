// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"fmt"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func BenchmarkBuild(b *testing.B) {
	r, err := OpenRoot(b.TempDir(), hclog.NewNullLogger())
	if err != nil {
		b.Fatal(err)
	}
	var ids []string
	n := 0
	for b.Loop() {
		id := fmt.Sprintf("%08d-bd7f-3b9c-47d2-f2d8a714cc74", n)
		n++
		d, err := r.Create(id, 0)
		if err == nil {
			err = d.BuildTask("web", 0)
		}
		if err != nil {
			b.Fatal(err)
		}
		_ = d.Close()
		ids = append(ids, id)
	}
	for _, id := range ids {
		if err := r.Destroy(id); err != nil {
			b.Fatal(err)
		}
	}
}
