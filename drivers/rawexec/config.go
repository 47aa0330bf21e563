// SPDX-License-Identifier: MPL-2.0

package rawexec

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// pluginSchema is that of the agent's config block.
var pluginSchema = hclspec.Object(hclspec.Fields{
	"enabled":          hclspec.AttrOr("enabled", "bool", "false"),
	"denied_host_uids": hclspec.Attr("denied_host_uids", "string"),
	"denied_host_gids": hclspec.Attr("denied_host_gids", "string"),
	"denied_envvars":   hclspec.Attr("denied_envvars", "list(string)"),
	"pids_limit":       hclspec.Attr("pids_limit", "number"),
})

// taskSchema is that of a task's config block.
var taskSchema = hclspec.Object(hclspec.Fields{
	"command":            hclspec.RequiredAttr("command", "string"),
	"args":               hclspec.Attr("args", "list(string)"),
	"cgroup_v2_override": hclspec.Attr("cgroup_v2_override", "string"),
	"cgroup_v1_override": hclspec.Attr("cgroup_v1_override", "list(map(string))"),
	"oom_score_adj":      hclspec.Attr("oom_score_adj", "number"),
	"work_dir":           hclspec.Attr("work_dir", "string"),
	"denied_envvars":     hclspec.Attr("denied_envvars", "list(string)"),
	"pids_limit":         hclspec.Attr("pids_limit", "number"),
})

// pluginConfig is the agent's config block.
type pluginConfig struct {
	Enabled        bool     `codec:"enabled"`
	DeniedHostUIDs string   `codec:"denied_host_uids"`
	DeniedHostGIDs string   `codec:"denied_host_gids"`
	DeniedEnv      []string `codec:"denied_envvars"`

	// PidsLimit bounds what a task may set, and is what it has otherwise.
	PidsLimit int64 `codec:"pids_limit"`

	denied executor.Denied
}

// parse checks the block and reads the lists of IDs.
func (c *pluginConfig) parse() error {
	var err error
	c.denied, err = executor.ParseDenied(c.DeniedHostUIDs, c.DeniedHostGIDs)
	return errors.Join(err, checkGlobs(c.DeniedEnv))
}

// taskConfig is a task's config block.
type taskConfig struct {
	Command          string            `codec:"command"`
	Args             []string          `codec:"args"`
	CgroupV2Override string            `codec:"cgroup_v2_override"`
	CgroupV1Override hclspec.StringMap `codec:"cgroup_v1_override"`
	OOMScoreAdj      int               `codec:"oom_score_adj"`
	WorkDir          string            `codec:"work_dir"`
	DeniedEnv        []string          `codec:"denied_envvars"`
	PidsLimit        int64             `codec:"pids_limit"`
}

// maxOOMScoreAdj is the largest score the kernel takes.
const maxOOMScoreAdj = 1000

func (c *taskConfig) validate() error {
	var err error
	if c.Command == "" {
		err = errors.Join(err, errors.New("command must not be empty"))
	}
	if c.CgroupV2Override != "" && len(c.CgroupV1Override) > 0 {
		err = errors.Join(err, errors.New("only one of cgroup_v1_override and cgroup_v2_override may be set"))
	}
	if c.PidsLimit > 0 && (c.CgroupV2Override != "" || len(c.CgroupV1Override) > 0) {
		err = errors.Join(err, errors.New("pids_limit has no effect in a control group that the job names: set pids.max there"))
	}
	if c.OOMScoreAdj < 0 || c.OOMScoreAdj > maxOOMScoreAdj {
		err = errors.Join(err, fmt.Errorf("oom_score_adj must be between 0 and %d, not %d", maxOOMScoreAdj, c.OOMScoreAdj))
	}
	if c.WorkDir != "" && !filepath.IsAbs(c.WorkDir) {
		err = errors.Join(err, fmt.Errorf("work_dir must be an absolute path, not %q", c.WorkDir))
	}
	return errors.Join(err, checkGlobs(c.DeniedEnv))
}

// checkPids checks a task's limit on processes against that of the agent.
func (c *pluginConfig) checkPids(limit int64) error { return executor.CheckPids(c.PidsLimit, limit) }

func checkGlobs(patterns []string) error {
	var err error
	for _, pattern := range patterns {
		if _, failed := path.Match(pattern, ""); failed != nil {
			err = errors.Join(err, fmt.Errorf("denied_envvars: pattern %q: %w", pattern, failed))
		}
	}
	return err
}

// environment returns the variables that no pattern denies, sorted by name.
func environment(vars map[string]string, denied ...[]string) []string {
	patterns := slices.Concat(denied...)
	env := make([]string, 0, len(vars))
	for name, value := range vars {
		if !slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, err := path.Match(pattern, name)
			return err == nil && matches
		}) {
			env = append(env, name+"="+value)
		}
	}
	slices.Sort(env)
	return env
}
