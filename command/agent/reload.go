// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// Reload reads the configuration again and applies the settings that can change while the agent runs, those tagged
// live. A configuration with mistakes changes nothing. Settings that need a restart are an error that names them;
// the others are applied all the same.
func (a *Agent) Reload() error {
	if a.deps.Load == nil {
		return api.Errorf(api.ClassUnsupported, "this agent has no configuration to read again")
	}
	next, err := a.deps.Load()
	if err == nil {
		if err = next.EnsureDefaults(); err == nil {
			err = next.Validate()
		}
	}
	if err != nil {
		a.logger.Error("configuration is not applied, it has mistakes", "error", err)
		return api.CodeErrorf(api.ClassInvalid, 500, "configuration has mistakes, nothing was changed: %s", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	live, fixed := compare(reflect.ValueOf(a.mu.present).Elem(), reflect.ValueOf(next).Elem(), "", false)
	if len(live) > 0 {
		if err := a.applyLocked(live); err != nil {
			return api.CodeErrorf(api.ClassInternal, 500, "apply the configuration: %s", err)
		}
	}
	a.logger.Info("configuration reloaded", "changed", strings.Join(live, ","))
	if len(fixed) > 0 {
		slices.Sort(fixed)
		err := api.Errorf(api.ClassInvalid, "these settings need a restart of the agent: %s", strings.Join(fixed, ", "))
		a.logger.Warn("configuration is applied in part", "error", err)
		return err
	}
	return nil
}

// compare copies the live settings that differ from next to present and returns their names, and those of the
// others that differ.
func compare(present, next reflect.Value, path string, live bool) (changed, fixed []string) {
	for _, f := range fieldsOf(present.Type()) {
		old, now := present.FieldByIndex(f.index), next.FieldByIndex(f.index)
		name, isLive := path+f.name, live || present.Type().FieldByIndex(f.index).Tag.Get("live") == "true"
		if f.kind == kindBlock && old.Kind() == reflect.Struct {
			c, x := compare(old, now, name+".", isLive)
			changed, fixed = append(changed, c...), append(fixed, x...)
			continue
		}
		if reflect.DeepEqual(old.Interface(), now.Interface()) {
			continue
		}
		if !isLive {
			fixed = append(fixed, name)
			continue
		}
		old.Set(now)
		changed = append(changed, name)
	}
	return changed, fixed
}

// applyLocked makes the agent follow the settings of a.mu.present whose names are given. The others stay: what was set
// through the API since, the scheduler workers for example, is not undone by a setting that has nothing to do with it.
func (a *Agent) applyLocked(changed []string) error {
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(changed, func(name string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		})
	}
	c := a.mu.present
	if has("log_level") {
		a.log.SetLevel(logLevel(c.LogLevel))
	}
	var errs []error
	if a.server != nil && has("server.num_schedulers", "server.enabled_schedulers") {
		a.server.evals.SetWorkers(c.Server.workers())
	}
	if a.server != nil && has("server.raft_") {
		if err := a.server.srv.ReloadRaft(c.Server.raft()); err != nil {
			errs = append(errs, fmt.Errorf("raft: %w", err))
		}
	}
	if a.client != nil && has("client.") {
		a.client.SetNodeData(c.Client.Meta, c.Client.NodeClass, c.Client.HostVolumes)
	}
	return errors.Join(errs...)
}
