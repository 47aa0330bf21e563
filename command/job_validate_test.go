// SPDX-License-Identifier: MPL-2.0

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateNested: nested errors are listed line by line.
func TestValidateNested(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.hcl")
	const src = "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n kill_timeout = \"-1s\"\n }\n task \"t\" {\n driver = \"docker\"\n }\n }\n group \"h\" {\n }\n}\n"
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := execute("", "job", "validate", "-address=http://127.0.0.1:1", file)
	if code != 1 || !strings.Contains(errs, `Task "t" redefined`) || !strings.Contains(errs, "Task group h validation failed") {
		t.Fatalf("code %d:\n%s", code, errs)
	}
	if strings.Contains(strings.TrimSpace(errs), "\n\n") {
		t.Errorf("blank lines in\n%s", errs)
	}
}
