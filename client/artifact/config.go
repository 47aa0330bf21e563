// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
)

// Config is the block client.artifact of the agent's configuration (agent-config.md 4.1). A time of zero is no
// limit, as are sizes and counts of zero.
type Config struct {
	HTTPReadTimeout *time.Duration `hcl:"http_read_timeout"`
	HTTPMaxSize     string         `hcl:"http_max_size"`
	GCSTimeout      *time.Duration `hcl:"gcs_timeout"`
	GitTimeout      *time.Duration `hcl:"git_timeout"`
	HgTimeout       *time.Duration `hcl:"hg_timeout"`
	S3Timeout       *time.Duration `hcl:"s3_timeout"`

	DecompressionSizeLimit      string `hcl:"decompression_size_limit"`
	DecompressionFileCountLimit *int   `hcl:"decompression_file_count_limit"`

	// DisableFilesystemIsolation leaves the child in the file system of the host, as an unprivileged user still.
	DisableFilesystemIsolation bool `hcl:"disable_filesystem_isolation"`
	// FilesystemIsolationExtraPaths are further paths of the host that downloads may use; see extraPath.
	FilesystemIsolationExtraPaths []string `hcl:"filesystem_isolation_extra_paths"`
	// DisableArtifactInspection accepts links that lead out of the artifact.
	DisableArtifactInspection bool `hcl:"disable_artifact_inspection"`
	// SetEnvironmentVariables are names of variables of the agent that downloads see, separated by commas.
	SetEnvironmentVariables string `hcl:"set_environment_variables"`
}

// Defaults of agent-config.md 4.1.
const (
	defaultTimeout   = 30 * time.Minute
	defaultSize      = "100GB"
	defaultFileCount = 4096
)

// EnsureDefaults fills in what is not set.
func (c *Config) EnsureDefaults() {
	for _, t := range []**time.Duration{&c.HTTPReadTimeout, &c.GCSTimeout, &c.GitTimeout, &c.HgTimeout, &c.S3Timeout} {
		if *t == nil {
			*t = new(defaultTimeout)
		}
	}
	for _, s := range []*string{&c.HTTPMaxSize, &c.DecompressionSizeLimit} {
		if *s == "" {
			*s = defaultSize
		}
	}
	if c.DecompressionFileCountLimit == nil {
		c.DecompressionFileCountLimit = new(defaultFileCount)
	}
}

// Validate reports everything that is wrong, each with the key it is about.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("client.artifact."+format, args...)) }
	for key, t := range map[string]*time.Duration{
		"http_read_timeout": c.HTTPReadTimeout, "gcs_timeout": c.GCSTimeout, "git_timeout": c.GitTimeout, "hg_timeout": c.HgTimeout,
		"s3_timeout": c.S3Timeout,
	} {
		if t != nil && *t < 0 {
			bad("%s: must not be negative", key)
		}
	}
	for key, size := range map[string]string{"http_max_size": c.HTTPMaxSize, "decompression_size_limit": c.DecompressionSizeLimit} {
		if _, err := parseSize(size); err != nil {
			bad("%s: %w", key, err)
		}
	}
	if n := c.DecompressionFileCountLimit; n != nil && (*n < 0 || *n > math.MaxInt32) {
		bad("decompression_file_count_limit: must lie within 0 and %d", math.MaxInt32)
	}
	for _, p := range c.FilesystemIsolationExtraPaths {
		if _, err := extraPath(p); err != nil {
			bad("filesystem_isolation_extra_paths: %w", err)
		}
	}
	return errors.Join(errs...)
}

// extraPath returns the path of "kind:mode:path": kind is f for a file or d for a directory, mode any of r, w, c and x for
// reading, writing, creating and executing. It is empty when the mode is.
//
// Compat: what may be read may be executed, too, and the other way round; w and c are refused.
func extraPath(text string) (string, error) {
	kind, rest, _ := strings.Cut(text, ":")
	mode, path, ok := strings.Cut(rest, ":")
	switch {
	case !ok || kind != "f" && kind != "d" || strings.Trim(mode, "rwcx") != "" || !filepath.IsAbs(path):
		return "", fmt.Errorf("%q is not of the form \"f:r:/a/file\" or \"d:rx:/a/directory\"", text)
	case strings.ContainsAny(mode, "wc"):
		return "", fmt.Errorf("%q: modes w and c are not supported by this version of nomadlike, downloads write to their own directory only", text)
	case mode == "":
		return "", nil
	}
	return path, nil
}

// extraPaths are the further paths of a validated configuration.
func (c *Config) extraPaths() []string {
	var paths []string
	for _, text := range c.FilesystemIsolationExtraPaths {
		if path, _ := extraPath(text); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// parseSize reads a number of bytes, "0", "512" or "100GB".
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	n, err := units.FromHumanSize(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size such as 512MB or 100GB", text)
	}
	return n, nil
}

// limits are what a child must keep to; zero is no limit.
type limits struct {
	HTTPRead, Git, Hg, S3, GCS time.Duration
	HTTPSize, UnpackSize       int64
	UnpackFiles                int
}

// limits returns the numbers of a validated configuration.
func (c *Config) limits() limits {
	l := limits{HTTPRead: *c.HTTPReadTimeout, Git: *c.GitTimeout, Hg: *c.HgTimeout, S3: *c.S3Timeout, GCS: *c.GCSTimeout, UnpackFiles: *c.DecompressionFileCountLimit}
	l.HTTPSize, _ = parseSize(c.HTTPMaxSize)              // it was validated
	l.UnpackSize, _ = parseSize(c.DecompressionSizeLimit) // it was validated
	return l
}

// variables returns the variables of the agent that downloads see.
func (c *Config) variables(lookup func(string) (string, bool)) map[string]string {
	vars := map[string]string{}
	for name := range strings.SplitSeq(c.SetEnvironmentVariables, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if v, ok := lookup(name); ok {
			vars[name] = v
		}
	}
	return vars
}
