// SPDX-License-Identifier: MPL-2.0

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompletionProfiles adds to what is in the profiles, through links too, and takes only its own line away.
func TestCompletionProfiles(t *testing.T) {
	home := t.TempDir()
	if got := profiles(home, filepath.Join(home, ".config"), "/bin/x"); len(got) != 0 {
		t.Errorf("without shells: %v", got)
	}
	real := filepath.Join(home, "dotfiles")
	if err := os.WriteFile(real, []byte("autoload -U +X bashcompinit && bashcompinit\nalias a=b"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(home, ".zshrc")); err != nil {
		t.Fatal(err)
	}
	list := profiles(home, filepath.Join(home, ".config"), "/opt/my tools/x")
	if len(list) != 1 {
		t.Fatalf("profiles: %v", list)
	}
	for _, c := range []struct {
		remove, changes bool
		lines           int
	}{{false, true, 4}, {false, false, 4}, {true, true, 3}, {true, false, 3}} {
		did, err := list[0].change(c.remove)
		if err != nil || did != c.changes {
			t.Errorf("remove %t: changed %t, %v", c.remove, did, err)
		}
		text, err := os.ReadFile(real)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n != c.lines || strings.Contains(string(text), "'/opt/my tools/x'") == c.remove {
			t.Errorf("remove %t: %q", c.remove, text)
		}
	}
	if info, err := os.Lstat(filepath.Join(home, ".zshrc")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
}
