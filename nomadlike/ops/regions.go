// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// usedIn returns the regions, sorted, in which anything uses an object that all regions share. local looks
// into this region's state, remote asks another region.
func (e *Env) usedIn(ctx context.Context, local func() bool, remote func(context.Context, string) (bool, error)) ([]string, error) {
	var out []string
	for _, region := range e.Members.Regions() {
		used := false
		if region == e.Region {
			used = local()
		} else {
			var err error
			if used, err = remote(ctx, region); err != nil {
				return nil, fmt.Errorf("ask region %q whether it uses the object: %w", region, err)
			}
		}
		if used {
			out = append(out, region)
		}
	}
	return out, nil
}

// probe returns read options for asking another region whether there is at least one such object.
func probe(o *api.RequestOptions, region, namespace, filter string) api.ReadOptions {
	return api.ReadOptions{
		RequestOptions: api.RequestOptions{Region: region, Namespace: namespace, AuthToken: o.AuthToken},
		Filter:         filter, PerPage: 1,
	}
}

const (
	liveJobs   = `Status != "dead"`
	liveAllocs = `DesiredStatus == "run" and (ClientStatus == "pending" or ClientStatus == "running" or ClientStatus == "unknown")`
)
