// SPDX-License-Identifier: MPL-2.0

package executor

import "fmt"

// CheckPids checks the limit on processes that a task sets against the one that
// the agent's configuration sets; 0 is none.
func CheckPids(plugin, task int64) error {
	switch {
	case task < 0:
		return fmt.Errorf("pids_limit must not be negative, is %d", task)
	case plugin > 0 && task > plugin:
		return fmt.Errorf("pids_limit cannot be greater than that of the plugin, %d", plugin)
	}
	return nil
}

// PidsLimit is the limit on processes of a task: its own, else that of the
// agent's configuration, 0 for none.
func PidsLimit(plugin, task int64) int64 {
	if task > 0 {
		return task
	}
	return plugin
}
