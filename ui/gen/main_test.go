// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedTypeScriptIsCurrent(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "src", "api", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("ui/src/api/%s is not what package api says: run make generate", name)
		}
	}
}
