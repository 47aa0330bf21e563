// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Template is the Template object of the HTTP API, see http-types.md.
type Template struct {
	// SourcePath: Template file; excludes `EmbeddedTmpl`.
	SourcePath string `api:"null" hcl:"source"`
	// EmbeddedTmpl: Inline template.
	EmbeddedTmpl string `hcl:"data"`
	// DestPath: Required, inside the allocation directory.
	DestPath string `hcl:"destination"`
	// ChangeMode: `noop`, `restart`, `signal`, `script` (default `restart`).
	ChangeMode string `hcl:"change_mode" default:"restart"`
	// ChangeSignal: Signal for mode signal (upper-cased).
	ChangeSignal string `api:"null" hcl:"change_signal"`
	// ChangeScript: Script for mode script.
	ChangeScript *ChangeScript `hcl:"change_script,block"`
	// Once: Render once (default false).
	Once bool `api:"null" hcl:"once"`
	// Splay: Random delay before acting (default 5s).
	Splay *time.Duration `hcl:"splay" default:"5s"`
	// Perms: Octal string (default `0644`).
	Perms string `hcl:"perms" default:"0644"`
	// Uid: Owner (default null (unchanged, -1)).
	Uid *int `hcl:"uid"`
	// Gid: Owner (default null (unchanged, -1)).
	Gid *int `hcl:"gid"`
	// LeftDelim: Delimiters (default `{{`, `}}`).
	LeftDelim string `api:"null" hcl:"left_delimiter"`
	// RightDelim: Delimiters (default `{{`, `}}`).
	RightDelim string `api:"null" hcl:"right_delimiter"`
	// Envvars: File content is loaded as environment (default false).
	Envvars bool `api:"null" hcl:"env"`
	// VaultGrace: Obsolete (default 0).
	VaultGrace time.Duration `api:"null" hcl:"vault_grace"`
	// Wait: Quiescence limits.
	Wait *WaitConfig `hcl:"wait,block"`
	// ErrMissingKey: Fail on missing keys (default false).
	ErrMissingKey bool `hcl:"error_on_missing_key"`
}

// ChangeScript is the ChangeScript object of the HTTP API, see http-types.md.
type ChangeScript struct {
	// Command: Program run inside the task.
	Command string `hcl:"command"`
	// Args: Program run inside the task.
	Args []string `hcl:"args"`
	// Timeout: Limit (default 5s).
	Timeout time.Duration `hcl:"timeout" default:"5s"`
	// FailOnError: Kill the task on failure (default false).
	FailOnError bool `hcl:"fail_on_error"`
	// RunOnFirstRender: Also run after the first render (default false).
	RunOnFirstRender bool `hcl:"run_on_first_render"`
}

// WaitConfig is the WaitConfig object of the HTTP API, see http-types.md.
type WaitConfig struct {
	// Min: Quiescence bounds; `Min` ≤ `Max`.
	Min *time.Duration `hcl:"min"`
	// Max: Quiescence bounds; `Min` ≤ `Max`.
	Max *time.Duration `hcl:"max"`
}

// Artifact is the Artifact object of the HTTP API, see http-types.md.
type Artifact struct {
	// GetterSource: URL.
	GetterSource string `hcl:"source"`
	// GetterOptions: E.g. `checksum`, `sshkey`.
	GetterOptions map[string]string `hcl:"options,map"`
	// GetterHeaders: HTTP headers.
	GetterHeaders map[string]string `hcl:"headers,map"`
	// GetterMode: `any`, `file`, `dir` (default `any`).
	GetterMode string `hcl:"mode" default:"any"`
	// GetterInsecure: Skip TLS verification (default false).
	GetterInsecure bool `hcl:"insecure"`
	// RelativeDest: Destination (default `local/`).
	RelativeDest string `hcl:"destination" default:"local/"`
	// Chown: Give the files to the task user (default false).
	Chown bool `hcl:"chown"`
}
