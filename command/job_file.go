// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/jobspec"
)

// stringList is a repeatable flag.
type stringList []string

func (l *stringList) String() string { return strings.Join(*l, ",") }

// Set adds a value.
func (l *stringList) Set(v string) error {
	*l = append(*l, v)
	return nil
}

// jobFile holds the flags that say how a job file is read.
type jobFile struct {
	json     bool
	strict   bool
	vars     stringList
	varFiles stringList
	// vaultSpace is the Vault namespace that the command line gives the job.
	vaultSpace string
}

func (j *jobFile) register(f *flag.FlagSet) {
	f.BoolVar(&j.json, "json", false, "The file is a job in the JSON of the HTTP API, bare or as {\"Job\": {...}}.")
	f.BoolVar(&j.strict, "hcl2-strict", true, "A value for a variable that the file does not declare is an error.")
	f.Var(&j.vars, "var", "`key=value` of a variable; repeatable, the last one wins.")
	f.Var(&j.varFiles, "var-file", "`path` of a file with variable values; repeatable.")
	f.StringVar(&j.vaultSpace, "vault-namespace", "", "The Vault `namespace` of the job.")
}

// varFlags returns the flags for variables as a POSIX shell takes them, in the double quotes of the contract where
// nothing in them would be expanded.
func (j *jobFile) varFlags() string {
	var line strings.Builder
	for _, given := range []struct {
		flag   string
		values stringList
	}{{"var", j.vars}, {"var-file", j.varFiles}} {
		for _, v := range given.values {
			quoted := `"` + v + `"`
			if strings.ContainsAny(v, "\"$`\\!") {
				quoted = shellQuote(v)
			}
			fmt.Fprintf(&line, " -%s=%s", given.flag, quoted)
		}
	}
	return line.String()
}

// maxJobFile is the largest job file that is read, in bytes.
const maxJobFile = 64 << 20

// loaded is a job with what it came from.
type loaded struct {
	job        *api.Job
	submission *api.JobSubmission
	path       string
}

// load reads a job from a path, a URL or, for "-", standard input, and applies the flags to it.
func (j *jobFile) load(ctx context.Context, m *meta, path string) (*loaded, error) {
	l, err := j.read(ctx, m, path)
	if err == nil && j.vaultSpace != "" {
		l.job.VaultNamespace = j.vaultSpace
	}
	return l, err
}

func (j *jobFile) read(ctx context.Context, m *meta, path string) (*loaded, error) {
	src, err := readSource(ctx, m, path)
	if err != nil {
		return nil, fmt.Errorf("Error getting job struct: Error getting jobfile from %q: %w", path, err) //nolint:staticcheck // the contract's text
	}
	if j.json {
		if len(j.vars)+len(j.varFiles) > 0 {
			return nil, errors.New("Error getting job struct: cannot use variables with JSON files") //nolint:staticcheck // the contract's text
		}
		job, err := jobspec.ParseJSON(src)
		if err != nil {
			return nil, fmt.Errorf("Error getting job struct: Error parsing job file from %s: %w", path, err) //nolint:staticcheck // the contract's text
		}
		return &loaded{job, &api.JobSubmission{Source: string(src), Format: "json"}, path}, nil
	}
	res, err := jobspec.Parse(&jobspec.Config{
		Path: path, Body: src, AllowFS: true, Strict: j.strict, VarFiles: j.varFiles, ArgVars: j.vars, Envs: os.Environ(),
	})
	if diags, ok := errors.AsType[*jobspec.Diagnostics](err); ok {
		excerpt := ""
		if text := diags.Snippets(); strings.Contains(text, "\n  on ") { // only with source to show
			excerpt = "\n\n" + strings.TrimSpace(text)
		}
		return nil, fmt.Errorf("Error getting job struct: Error parsing job file from %s:\n%w%s", path, diags, excerpt) //nolint:staticcheck // the contract's text
	}
	if err != nil {
		return nil, err
	}
	for _, w := range res.Warnings {
		fmt.Fprintln(m.err, m.paint(yellow, "Warning: "+w))
	}
	return &loaded{res.Job, &api.JobSubmission{
		Source: string(src), Format: "hcl2", VariableFlags: res.VariableFlags, Variables: res.Variables,
	}, path}, nil
}

func readSource(ctx context.Context, m *meta, path string) ([]byte, error) {
	r := m.input
	switch {
	case path == "-":
	case strings.HasPrefix(path, "file://"):
		return readSource(ctx, m, strings.TrimPrefix(path, "file://"))
	case strings.Contains(path, "::"), strings.Contains(path, "://") && !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://"):
		return nil, errors.New("only files, file, http and https URLs and - for standard input are supported")
	case strings.HasPrefix(path, "http://"), strings.HasPrefix(path, "https://"):
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the server answered %s", res.Status)
		}
		r = res.Body
	default:
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	src, err := io.ReadAll(io.LimitReader(r, maxJobFile+1))
	if err == nil && len(src) > maxJobFile {
		err = fmt.Errorf("the file is larger than %d bytes", maxJobFile)
	}
	return src, err
}

// settle lets the job's own region and namespace win over the flags (cli.md 1.2).
func (m *meta) settle(job *api.Job) {
	if job.Region != "" {
		m.region = job.Region
	}
	if job.Namespace != "" {
		m.namespace = job.Namespace
	}
}
