// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestLocals evaluates values that refer to each other in every way that is allowed.
func TestLocals(t *testing.T) {
	res, err := Parse(&Config{Body: []byte(`
locals {
  last = "${local.a}-${local["b"]}"
  a    = upper(local.b)
  all  = join(",", keys(local))
}
locals {
  b     = local.chain[0].c
  chain = [{ c = "x" }]
  maybe = try(local.nope, "none")
}
job "j" {
  name = "${local.last} ${local.all} ${local.maybe}"
}
`)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "X-x a,b,chain,last,maybe none"; res.Job.Name != want {
		t.Errorf("got %q, want %q", res.Job.Name, want)
	}

	_, err = Parse(&Config{Body: []byte("locals {\n  a = keys(local)\n  b = values(local)\n  c = 1\n}\njob \"j\" {}\n")})
	if err == nil || strings.Count(err.Error(), "Circular local value") != 2 {
		t.Errorf("two values that refer to all others: %v", err)
	}
}

// TestManyLocals makes sure that the work for a local value does not grow with the number of them: four times as
// many must not take sixteen times the memory.
func TestManyLocals(t *testing.T) {
	for name, value := range map[string]string{"constants": "\"x%[2]d\"", "chain": "\"${local.l%[2]d}\""} {
		t.Run(name, func(t *testing.T) {
			used := func(n int) uint64 {
				var src strings.Builder
				src.WriteString("locals {\n")
				for i := range n {
					fmt.Fprintf(&src, "  l%[1]d = "+value+"\n", i, i+1)
				}
				fmt.Fprintf(&src, "  l%d = \"end\"\n}\njob \"j\" {\n  name = local.l0\n}\n", n)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if _, err := Parse(&Config{Body: []byte(src.String())}); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			used(10) // what is made once
			few, many := used(1000), used(4000)
			if many > 8*few {
				t.Errorf("1000 local values take %d bytes, 4000 take %d", few, many)
			}
		})
	}
}
