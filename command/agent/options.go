// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/plugins/host"
)

// optionKind is how the text of a client option becomes a setting.
type optionKind uint8

const (
	optionText optionKind = iota
	optionBool
	optionList
)

// driverOptions are the client options of older configurations that set what a plugin block sets now (agent-config.md
// 4.2, drivers.md 2.1): the driver, and the path of its setting, block by block.
var driverOptions = map[string]struct {
	driver string
	path   []string
	kind   optionKind
}{
	"driver.raw_exec.enable":      {"raw_exec", []string{"enabled"}, optionBool},
	"docker.endpoint":             {"docker", []string{"endpoint"}, optionText},
	"docker.auth.config":          {"docker", []string{"auth", "config"}, optionText},
	"docker.auth.helper":          {"docker", []string{"auth", "helper"}, optionText},
	"docker.tls.cert":             {"docker", []string{"tls", "cert"}, optionText},
	"docker.tls.key":              {"docker", []string{"tls", "key"}, optionText},
	"docker.tls.ca":               {"docker", []string{"tls", "ca"}, optionText},
	"docker.cleanup.image":        {"docker", []string{"gc", "image"}, optionBool},
	"docker.cleanup.image.delay":  {"docker", []string{"gc", "image_delay"}, optionText},
	"docker.cleanup.container":    {"docker", []string{"gc", "container"}, optionBool},
	"docker.volumes.enabled":      {"docker", []string{"volumes", "enabled"}, optionBool},
	"docker.volumes.selinuxlabel": {"docker", []string{"volumes", "selinuxlabel"}, optionText},
	"docker.caps.allowlist":       {"docker", []string{"allow_caps"}, optionList},
	"docker.caps.whitelist":       {"docker", []string{"allow_caps"}, optionList},
	"docker.privileged.enabled":   {"docker", []string{"allow_privileged"}, optionBool},
	"docker.nvidia_runtime":       {"docker", []string{"nvidia_runtime"}, optionText},
}

// otherOptions are the client options that the client reads itself.
var otherOptions = []string{
	"driver.allowlist", "driver.whitelist", "driver.denylist", "driver.blacklist", "fingerprint.allowlist", "fingerprint.whitelist",
	"fingerprint.denylist", "fingerprint.blacklist", "env.denylist", "env.blacklist", "user.denylist", "user.checked_drivers",
	"driver.mock_driver.enable", "fingerprint.network.disallow_link_local",
}

// optionBlocks are the plugin blocks that the client options stand for; a block that is there itself counts alone.
func optionBlocks(options map[string]string, given map[string]*PluginConfig) []host.Block {
	configs := map[string]map[string]any{}
	for name, value := range options {
		o, ok := driverOptions[name]
		if !ok || given[o.driver] != nil {
			continue
		}
		if configs[o.driver] == nil {
			configs[o.driver] = map[string]any{}
		}
		at := configs[o.driver]
		for _, block := range o.path[:len(o.path)-1] {
			if at[block] == nil {
				at[block] = []any{map[string]any{}}
			}
			at = at[block].([]any)[0].(map[string]any)
		}
		at[o.path[len(o.path)-1]] = o.kind.of(value)
	}
	var out []host.Block
	for driver, config := range configs {
		out = append(out, host.Block{Label: driver, Config: config})
	}
	return out
}

// of returns the setting; a text that is no boolean stays as it is, for the driver to refuse.
func (k optionKind) of(value string) any {
	switch k {
	case optionBool:
		if on, err := strconv.ParseBool(value); err == nil {
			return on
		}
	case optionList:
		list := []any{}
		for e := range strings.SplitSeq(value, ",") {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
		return list
	case optionText:
	}
	return value
}

// idleOptions returns the client options that nothing reads, sorted.
func idleOptions(options map[string]string) []string {
	var out []string
	for name := range options {
		if _, ok := driverOptions[name]; !ok && !slices.Contains(otherOptions, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
