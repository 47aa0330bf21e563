// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Modes of artifacts.
const (
	ModeAny  = "any"
	ModeFile = "file"
	ModeDir  = "dir"
)

// Request is one artifact to download; everything in it has been interpolated.
type Request struct {
	Source string
	// Options become parameters of the source.
	Options map[string]string
	Headers map[string]string
	Mode    string
	// Insecure skips the verification of TLS certificates.
	Insecure bool
}

// forced matches the getter in front of a source, "git::https://…".
var forced = regexp.MustCompile(`^([A-Za-z0-9]+)::(.+)$`)

// scpLike matches the short form of addresses of git, user@host:path.
var scpLike = regexp.MustCompile(`^([^@/:]+)@([^/:]+):([^?]*)`)

// refused are the ways to download that this client does not have, and why.
var refused = map[string]string{
	"file":      "files of the node cannot be artifacts; use a host volume",
	"gs":        "use gcs::https://www.googleapis.com/storage/v1/BUCKET/KEY",
	"smb":       "the getter smb is not supported",
	"ftp":       "the getter ftp is not supported",
	"git+ext":   "git may use https, http and ssh only",
	"git+file":  "git may use https, http and ssh only",
	"http+unix": "sockets of the node cannot be sources",
}

// address returns what go-getter is given: the source with the options as its parameters. The error is for good,
// another try will not help.
func (r *Request) address() (string, error) {
	source := strings.TrimSpace(r.Source)
	if source == "" {
		return "", fmt.Errorf("artifact has no source")
	}
	getter, rest := "", source
	if m := forced.FindStringSubmatch(source); m != nil {
		getter, rest = strings.ToLower(m[1]), m[2]
	}
	scheme, _, hasScheme := strings.Cut(rest, "://")
	if !hasScheme {
		scheme = ""
	}
	for _, name := range []string{getter, strings.ToLower(scheme)} {
		if why, ok := refused[name]; ok {
			return "", fmt.Errorf("artifact source %q: %s", Redact(source), why)
		}
	}
	if strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "~") {
		return "", fmt.Errorf("artifact source %q: %s", Redact(source), refused["file"])
	}
	if m := scpLike.FindStringSubmatch(rest); len(m) > 3 && m[1] != "git" {
		return "", fmt.Errorf("artifact source %q: write git::ssh://%s@%s/%s; the short form is for the user git", Redact(source), m[1], m[2], strings.TrimPrefix(m[3], "/"))
	}
	if hasScheme {
		if _, err := url.Parse(rest); err != nil {
			return "", fmt.Errorf("artifact source %q is not a URL", Redact(source))
		}
	}
	if getter == "" && hasScheme && !slices.Contains([]string{"http", "https", "ssh", "git", "hg"}, strings.ToLower(scheme)) {
		return "", fmt.Errorf("artifact source %q: no getter for %q; use http, https, git or hg", Redact(source), scheme)
	}
	base, query, _ := strings.Cut(source, "?")
	given, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("artifact source %q has malformed parameters", Redact(source))
	}
	for k, v := range r.Options {
		given.Set(k, v)
	}
	if len(given) == 0 {
		return base, nil
	}
	return base + "?" + given.Encode(), nil
}

// name is what a single file is called, the last element of the source's path.
func (r *Request) name() string {
	source, _, _ := strings.Cut(r.Source, "?")
	base := path.Base(source)
	if base == "." || base == "/" || strings.ContainsAny(base, "\\\x00") {
		return "artifact"
	}
	return base
}

// Redact returns a source without what may be secret: parameters and the password of the user.
func Redact(source string) string {
	bare, _, _ := strings.Cut(source, "?")
	head, rest := "", bare
	if m := forced.FindStringSubmatch(bare); m != nil {
		head, rest = m[1]+"::", m[2]
	}
	scheme, after, found := strings.Cut(rest, "://")
	if !found {
		return bare
	}
	authority, path, _ := strings.Cut(after, "/")
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		who, _, secret := strings.Cut(authority[:at], ":")
		if secret {
			who += ":xxxxx"
		}
		authority = who + authority[at:]
	}
	if path != "" {
		path = "/" + path
	}
	return head + scheme + "://" + authority + path
}

// secrets are the strings that must not show up in errors.
func (r *Request) secrets() []string {
	var found []string
	for k, v := range r.Options {
		if !slices.Contains([]string{"ref", "depth", "archive", "checksum", "region", "filename", "rev", "version"}, k) {
			found = append(found, v, url.QueryEscape(v))
		}
	}
	found = append(found, slices.Collect(maps.Values(r.Headers))...)
	if _, query, ok := strings.Cut(r.Source, "?"); ok {
		found = append(found, query)
	}
	_, after, ok := strings.Cut(r.Source, "://")
	if authority, _, _ := strings.Cut(after, "/"); ok && strings.Contains(authority, "@") {
		who := authority[:strings.LastIndex(authority, "@")]
		if _, password, ok := strings.Cut(who, ":"); ok {
			found = append(found, password)
		}
	}
	found = slices.DeleteFunc(found, func(s string) bool { return len(s) < 3 })
	// The longest first: one may be part of another.
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

// conceal takes the secrets and the parameters of addresses out of a text.
func (r *Request) conceal(text string) string {
	for _, s := range r.secrets() {
		text = strings.ReplaceAll(text, s, "[redacted]")
	}
	return parameters.ReplaceAllString(text, "$1")
}

// parameters matches an address that has parameters.
var parameters = regexp.MustCompile(`([a-z]+://[^\s?"']+)\?[^\s"']*`)
