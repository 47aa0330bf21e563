// SPDX-License-Identifier: MPL-2.0

package host

import (
	"errors"
	"fmt"

	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/plugins/base"
)

// hostAPIVersions are the versions of the driver API that this host speaks.
var hostAPIVersions = []string{base.APIVersion}

// errNoCommonAPI says that host and plugin have no API version in common.
var errNoCommonAPI = errors.New("the plugin speaks no version of the plugin API that this agent does")

// negotiate returns the highest API version in common, in the plugin's own
// spelling.
func negotiate(offered []string) (string, error) {
	if len(offered) == 0 {
		return "", errors.New("the plugin lists no versions of the plugin API")
	}
	var best *version.Version
	var spelling string
	for _, text := range offered {
		candidate, err := version.NewVersion(text)
		if err != nil {
			return "", fmt.Errorf("the plugin lists the API version %q: %w", text, err)
		}
		for _, mine := range hostAPIVersions {
			if candidate.Equal(version.Must(version.NewVersion(mine))) && (best == nil || candidate.GreaterThan(best)) {
				best, spelling = candidate, text
			}
		}
	}
	if best == nil {
		return "", fmt.Errorf("%w: it speaks %q", errNoCommonAPI, offered)
	}
	return spelling, nil
}

// checkInfo checks what a plugin says of itself.
func checkInfo(info *base.Info) (*version.Version, error) {
	if info.Name == "" {
		return nil, errors.New("the plugin has no name")
	}
	parsed, err := version.NewVersion(info.Version)
	if err != nil {
		return nil, fmt.Errorf("plugin %q has the version %q: %w", info.Name, info.Version, err)
	}
	return parsed, nil
}
