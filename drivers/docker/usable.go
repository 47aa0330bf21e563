// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"net/url"
	"os"
	"runtime"

	"github.com/moby/moby/client"
)

// Usable says why there is no engine to be found at the usual place of this
// machine, nil if there may be one. It costs next to nothing, so an agent asks it
// before it starts a plugin process.
func Usable() error {
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		host = client.DefaultDockerHost
	}
	where, err := url.Parse(host)
	if err != nil || where.Scheme != "unix" || runtime.GOOS == "windows" {
		return nil //nolint:nilerr // only asking it can tell
	}
	if st, err := os.Stat(where.Path); err != nil || st.Mode()&os.ModeSocket == 0 {
		return errors.New("Failed to connect to docker daemon")
	}
	return nil
}
