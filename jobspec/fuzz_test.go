// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"errors"
	"os"
	"testing"
)

// FuzzParse checks that no input makes Parse panic or return an error that is not *Diagnostics with at
// least one problem in it.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/golden/*.hcl", "testdata/errors/*.hcl"} {
		for _, path := range matches(f, pattern) {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, "short = \"y\"", "v=[1]")
		}
	}
	for _, tt := range functionTests {
		f.Add([]byte("job \"j\" {\n  name = jsonencode("+tt.expr+")\n}"), "", "")
	}
	f.Fuzz(func(t *testing.T, src []byte, content, flag string) {
		if len(src) > 1<<16 {
			return // size is limited elsewhere
		}
		cfg := &Config{Body: src, VarContent: content, ArgVars: []string{flag}, Envs: []string{"NOMAD_VAR_" + flag}}
		res, err := Parse(cfg)
		if err == nil {
			if res.Job == nil {
				t.Error("neither a job nor an error")
			}
			return
		}
		var diags *Diagnostics
		if !errors.As(err, &diags) || diags.Len() == 0 || diags.Error() == "" {
			t.Errorf("bad error %T %v", err, err)
		}
		diags.Snippets()
	})
}

// FuzzParseJSON checks that no input makes ParseJSON panic or succeed without a job.
func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"Job":{"ID":"x","TaskGroups":[{"Tasks":[{"Config":{"a":[1,{}]}}]}]}}`))
	f.Add([]byte(`{"ID":"x","Payload":"aGk=","Meta":null}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if job, err := ParseJSON(src); err == nil && job == nil {
			t.Error("neither a job nor an error")
		}
	})
}
