// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestCompletion sets completion up in an empty home and lets each shell finish a line with the tab key.
func TestCompletion(t *testing.T) {
	bin, err := filepath.Abs(os.Getenv("NOMADLIKE_BIN"))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	links := filepath.Join(home, "bin")
	fish := filepath.Join(home, ".config", "fish")
	// If fish finds this directory it does not begin to fill it, in a process that outlives the shell.
	generated := filepath.Join(home, ".local", "share", "fish", "generated_completions")
	for _, dir := range []string{links, fish, generated} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, rc := range []string{".bashrc", ".zshrc"} {
		if err := os.WriteFile(filepath.Join(home, rc), []byte("# mine\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(bin, filepath.Join(links, "nomadlike")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "ZDOTDIR="+home, "TERM=xterm", "PATH="+links+":"+os.Getenv("PATH"))
	setUp := func(flag, want string) {
		t.Helper()
		cmd := exec.Command(bin, flag)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%s: %v, %s, want %q", flag, err, out, want)
		}
	}
	setUp("-autocomplete-install", "New shells complete")
	setUp("-autocomplete-install", "nothing to change")
	for _, shell := range [][]string{{"bash", "--rcfile", filepath.Join(home, ".bashrc"), "-i"}, {"zsh", "-i"}, {"fish", "-i"}} {
		t.Run(shell[0], func(t *testing.T) {
			testkit.Need(t, shell[0])
			cmd := exec.Command(shell[0], shell[1:]...)
			cmd.Env = env
			f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 200})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			defer cmd.Process.Kill() //nolint:errcheck // it ends with its terminal otherwise
			if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			term := &terminal{t: t, file: f, cmd: cmd}
			term.keys("echo rea''dy\n")
			term.expect(`\bready\b`)
			term.keys("nomadlike operator gossip keyring gen\t")
			term.expect(`erate`)
			term.keys("\n")
			term.expect(`[A-Za-z0-9+/]{43}=`)
		})
	}
	setUp("-autocomplete-uninstall", "Changed")
	setUp("-autocomplete-uninstall", "nothing to change")
	left, err := os.ReadFile(filepath.Join(home, ".bashrc"))
	if err != nil || !bytes.Equal(left, []byte("# mine\n")) {
		t.Errorf("the profile is %q, %v, want it as it was", left, err)
	}
	if _, err := os.Stat(filepath.Join(fish, "completions", "nomadlike.fish")); !os.IsNotExist(err) {
		t.Errorf("fish's completions: %v, want none", err)
	}
}
