// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"path/filepath"
	"reflect"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/nomadlike/nomadlike/api"
)

// defaultPath is the file name in messages when Config.Path is empty, as it is for the parse API.
const defaultPath = "input.hcl"

// Config is the input of Parse.
type Config struct {
	// Path names the job file in messages; file functions resolve relative paths against its directory.
	Path string
	// Body is the text of the job file, HCL or HCL-JSON.
	Body []byte
	// AllowFS permits file functions. Never set it for text that came over the network.
	AllowFS bool
	// Strict makes a value for an undeclared variable an error instead of a warning.
	Strict bool
	// VarFiles are the paths of variable files, later ones win.
	VarFiles []string
	// VarContent is variable file text, applied after VarFiles.
	VarContent string
	// ArgVars are name=value settings from -var flags. They win over everything else, later ones over earlier.
	ArgVars []string
	// Envs is an environment in the form of os.Environ; NOMAD_VAR_<name> entries set variables.
	Envs []string
}

// Result is the output of Parse.
type Result struct {
	// Job is the job as written, before Canonicalize.
	Job *api.Job
	// Warnings are problems that did not prevent parsing, each as one text.
	Warnings []string
	// VariableFlags holds the variable values that came from flags and from the environment.
	VariableFlags map[string]string
	// Variables is variable file text that stands for all variable files and VarContent.
	Variables string
}

var fileSchema = &hcl.BodySchema{
	Blocks: []hcl.BlockHeaderSchema{
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "variables"},
		{Type: "locals"},
		{Type: "job", LabelNames: []string{"name"}},
	},
}

// Parse reads one job file. An error is always *Diagnostics and holds every problem found.
func Parse(cfg *Config) (*Result, error) {
	path := cfg.Path
	if path == "" {
		path = defaultPath
	}
	d := newDecoder()
	d.src = cfg.Body
	res := &Result{}
	res.Job, res.VariableFlags, res.Variables = d.parse(cfg, path)
	res.Warnings = warningTexts(d.diags)
	if err := newDiagnostics(d.diags, d.files); err != nil {
		return nil, err
	}
	return res, nil
}

// parse returns a nil job when an error was reported that makes going on pointless.
func (d *decoder) parse(cfg *Config, path string) (*api.Job, map[string]string, string) {
	file := d.load(cfg.Body, path)
	if file == nil {
		return nil, nil, ""
	}
	if d.isOfAPI(file) {
		return nil, nil, ""
	}
	content, diags := file.Body.Content(fileSchema)
	jobs := content.Blocks.OfType("job")
	ctx := &hcl.EvalContext{
		Variables: map[string]cty.Value{},
		Functions: functionsFor(filepath.Dir(path), cfg.AllowFS),
	}
	if !cfg.AllowFS && d.left.ends.IsZero() {
		d.left.ends = time.Now().Add(maxTime)
	}
	for name, fn := range ctx.Functions {
		ctx.Functions[name] = d.left.metered(fn)
	}
	vars := d.declare(content.Blocks)
	sub, taken := d.collect(cfg, vars)
	ctx.Variables["var"] = d.settle(vars, taken, ctx.Functions)
	if !d.diags.HasErrors() {
		d.locals(content.Blocks, ctx)
	}
	usable := !d.diags.HasErrors() // else every expression of the job might fail, for one cause
	d.report(diags...)
	if !d.oneJob(jobs, file, path) || !usable {
		return nil, nil, ""
	}
	body := &jobBody{ID: jobs[0].Labels[0]}
	d.body(jobs[0].Body, reflect.ValueOf(body).Elem(), ctx)
	return body.job(), sub.flags, sub.text()
}

// isOfAPI reports a file in JSON that is a job of the HTTP API: none of its names is known in a job file.
func (d *decoder) isOfAPI(file *hcl.File) bool {
	if !isJSON(file.Bytes) {
		return false
	}
	attrs, _ := file.Body.JustAttributes()
	if attrs["job"] != nil {
		return false
	}
	for _, name := range []string{"Job", "ID", "TaskGroups"} {
		if attr := attrs[name]; attr != nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Job of the HTTP API",
				Detail:   "This is a job in the JSON of the HTTP API, not a job file in JSON, which begins with {\"job\": ...}. The commands read it with -json; over HTTP it needs no parsing.",
				Subject:  attr.NameRange.Ptr(),
			})
			return true
		}
	}
	return false
}

// oneJob reports whether there is exactly one job block.
func (d *decoder) oneJob(jobs hcl.Blocks, file *hcl.File, path string) bool {
	switch {
	case len(jobs) == 0 && !d.diags.HasErrors():
		rng := file.Body.MissingItemRange()
		rng.Filename = path
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Missing job block",
			Detail:   "A job file needs exactly one job block.",
			Subject:  &rng,
		})
	case len(jobs) > 1:
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Duplicate job block",
			Detail:   fmt.Sprintf("Only one job block is allowed. Another was defined at %s.", jobs[0].DefRange),
			Subject:  jobs[1].DefRange.Ptr(),
		})
	}
	return len(jobs) == 1
}
