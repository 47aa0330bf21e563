// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package supervisor

import "errors"

func (l *launcher) fork(c *command) (pid int, warnings []string, err error) {
	pid, err = l.forkExec(c, l.attributes(c))
	return pid, nil, err
}

func (l *launcher) joinNetwork() error {
	if l.spec.NetNS != "" {
		return errors.ErrUnsupported
	}
	return nil
}

func (l *launcher) adjustOOM() (restore func(), err error) { return func() {}, nil }

func adoptOrphans() {}
