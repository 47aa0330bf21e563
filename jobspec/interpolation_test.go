// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"strings"
	"testing"
)

// evalName parses a job whose name is expr and returns the name.
func evalName(expr string) (string, error) {
	src := fmt.Sprintf("variable \"v\" {\n  default = \"val\"\n}\nlocals {\n  l = [\"x\", \"y\"]\n}\njob \"j\" {\n  name = %s\n}\n", expr)
	res, err := Parse(&Config{Body: []byte(src), Strict: true})
	if err != nil {
		return "", err
	}
	return res.Job.Name, nil
}

func TestRuntimeInterpolation(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`"${NOMAD_PORT_http}"`, `${NOMAD_PORT_http}`},
		{`"${attr.kernel.name}"`, `${attr.kernel.name}`},
		{`"${meta.x}"`, `${meta.x}`},
		{`"${meta["a-b"]}"`, `${meta["a-b"]}`},
		{`"${node.class}"`, `${node.class}`},
		{`"${env["HOME"]}"`, `${env["HOME"]}`},
		{`"${env.HOME}"`, `${env.HOME}`},
		{`"${foo.bar[0].baz}"`, `${foo.bar[0].baz}`},
		{`"${foo.0.bar}"`, `${foo.0.bar}`},
		{`"${ node.class }"`, `${ node.class }`},
		{`"a ${  node.class} b"`, `a ${  node.class} b`},
		{`"${node.class	}${node.id}"`, "${node.class\t}${node.id}"},
		{`"x ${~ node.class ~} y"`, `x${node.class}y`},
		{`node.class`, `${node.class}`},
		{`(node.class)`, `${node.class}`},
		{`"${(node.class)}"`, `${node.class}`},
		{`"${upper("${node.class}")}"`, `${NODE.CLASS}`},
		{`upper(node.class)`, `${NODE.CLASS}`},
		{`"$${lit}"`, `${lit}`},
		{`"%%{lit}"`, `%{lit}`},
		{`"$NOMAD_X"`, `$NOMAD_X`},
		{`"$$NOMAD_X"`, `$$NOMAD_X`},
		{`"${var.v}-${job.x}"`, `val-${job.x}`},
		{`"%{ if node.class == "a" }yes%{ else }no ${ node.id }%{ endif }"`, `no ${ node.id }`},
		{`"%{ for x in local.l }${ x }/${ y };%{ endfor }"`, `x/${ y };y/${ y };`},
		{`join(",", [for x in local.l : "${x}${z}"])`, `x${z},y${z}`},
		{`join(",", [for i, x in local.l : "${i}${x}${z}" if x != q])`, `0x${z},1y${z}`},
		{`join(",", keys({ (node.class) = 1, node = 2 }))`, `${node.class},node`},
		{`join(",", values({ for k, v in { a = unknown.k } : k => v }))`, `${unknown.k}`},
		{`true ? node.a : node.b`, `${node.a}`},
		{`try(node.a, "x")`, `${node.a}`},
		{`tostring == "${tostring}" ? "same" : "other"`, `same`},
		{`join(",", [local.l[*], [attr.x]]...)`, `x,y,${attr.x}`},
		{`{ a = attr.y }.a`, `${attr.y}`},
		{`[attr.y][0]`, `${attr.y}`},
		{`join("|", [{ n = attr.y }, { n = "z" }][*].n)`, `${attr.y}|z`},
		{`convert(["${a.b}"], list(string))[0]`, `${a.b}`},
		{`jsonencode({ x = secret.db.password })`, `{"x":"${secret.db.password}"}`},
		{"<<EOT\n${ node.class }\n  ${a.b}\nEOT", "${ node.class }\n  ${a.b}\n"},
		{"<<-EOT\n    ${ node.class }\n      ${a.b}\n  EOT", "${ node.class }\n  ${a.b}\n"},
	}
	for _, tt := range tests {
		got, err := evalName(tt.expr)
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
		} else if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.expr, got, tt.want)
		}
	}
}

func TestInterpolationErrors(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`"${NOMAD_PORT_http + 1}"`, "a number is required"},
		{`"${var.missing}"`, "Unsupported attribute"},
		{`"${local.missing}"`, "Unsupported attribute"},
		{`"${nofunc(1)}"`, "Call to unknown function"},
		{`-node.class`, "a number is required"},
		{`node.class ? "a" : "b"`, "Incorrect condition type"},
	}
	for _, tt := range tests {
		got, err := evalName(tt.expr)
		if err == nil {
			t.Errorf("%s: got %q, want an error", tt.expr, got)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q does not mention %q", tt.expr, err, tt.want)
		}
	}
}

// TestReusedExpression evaluates one expression under several iterators: a reference that is unknown in
// one place may be known in another.
func TestReusedExpression(t *testing.T) {
	src := `job "j" {
  dynamic "group" {
    for_each = ["a", "b"]
    iterator = it
    labels   = ["${it.value}-${other.value}"]
    content {
      meta = { k = "${it.key}/${group.value}" }
    }
  }
}`
	res, err := Parse(&Config{Body: []byte(src)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range res.Job.TaskGroups {
		got = append(got, g.Name, g.Meta["k"])
	}
	want := "a-${other.value} 0/${group.value} b-${other.value} 1/${group.value}"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
}
