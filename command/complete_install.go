// SPDX-License-Identifier: MPL-2.0

package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// profile is the file that makes a shell complete the lines of this program.
type profile struct {
	path string
	// lines are added to the file; nil when the file is ours as a whole, with the text.
	lines []string
	text  string
}

// profiles lists those of the user's shells, by the files that are in the home directory.
func profiles(home, config, bin string) []profile {
	if strings.ContainsAny(bin, " '\"\\$") {
		bin = "'" + strings.ReplaceAll(bin, "'", `'\''`) + "'"
	}
	var out []profile
	candidates := []string{".bashrc", ".bash_profile", ".bash_login", ".profile"}
	if runtime.GOOS == "darwin" {
		candidates = candidates[1:2]
	}
	for _, c := range candidates {
		if path := filepath.Join(home, c); isFile(path) {
			out = append(out, profile{path: path, lines: []string{"complete -C " + bin + " " + name}})
			break
		}
	}
	if path := filepath.Join(home, ".zshrc"); isFile(path) {
		out = append(out, profile{path: path, lines: []string{
			"(( $+functions[compdef] )) || { autoload -U compinit && compinit }",
			"autoload -U +X bashcompinit && bashcompinit",
			"complete -o nospace -C " + bin + " " + name,
		}})
	}
	if dir := filepath.Join(config, "fish"); isDirectory(dir) {
		out = append(out, profile{path: filepath.Join(dir, "completions", name+".fish"), text: `function __complete_` + name + `
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    ` + bin + `
end
complete -f -c ` + name + ` -a "(__complete_` + name + `)"
`})
	}
	return out
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// installCompletion adds completion to the profiles of the user's shells, or removes it, and returns what it changed.
func installCompletion(remove bool) ([]string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("find the home directory: %w", err)
	}
	bin, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's path: %w", err)
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	all := profiles(home, config, bin)
	if len(all) == 0 {
		return nil, errors.New("Did not find any shells to install: there is no .bashrc, .zshrc or .config/fish in " + home) //nolint:staticcheck // the contract's text
	}
	var changed []string
	var errs []error
	for _, p := range all {
		did, err := p.change(remove)
		if err != nil {
			errs = append(errs, err)
		}
		if did {
			changed = append(changed, p.path)
		}
	}
	return changed, errors.Join(errs...)
}

// change brings the file into the wanted state and says whether it was in another.
func (p *profile) change(remove bool) (bool, error) {
	old, err := os.ReadFile(p.path)
	if err != nil && !os.IsNotExist(err) {
		return false, err
	}
	if p.lines == nil {
		switch {
		case remove && err == nil:
			return true, os.Remove(p.path)
		case remove || string(old) == p.text:
			return false, nil
		}
		if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
			return false, err
		}
		return true, os.WriteFile(p.path, []byte(p.text), 0o644)
	}
	have := strings.Split(strings.TrimSuffix(string(old), "\n"), "\n")
	if len(old) == 0 {
		have = nil
	}
	now := slices.Clone(have)
	if remove { // other programs may need the lines before the last
		last := p.lines[len(p.lines)-1]
		now = slices.DeleteFunc(now, func(l string) bool { return l == last })
	} else {
		for _, l := range p.lines {
			if !slices.Contains(now, l) {
				now = append(now, l)
			}
		}
	}
	if slices.Equal(have, now) {
		return false, nil
	}
	return true, replaceFile(p.path, []byte(strings.Join(append(now, ""), "\n")))
}
