// SPDX-License-Identifier: MPL-2.0

package api

// Multiregion is the Multiregion object of the HTTP API, see http-types.md.
type Multiregion struct {
	// Strategy: How regions roll out.
	Strategy *MultiregionStrategy `hcl:"strategy,block"`
	// Regions: Per region settings.
	Regions []*MultiregionRegion `hcl:"region,block"`
}

// MultiregionStrategy is the MultiregionStrategy object of the HTTP API, see http-types.md.
type MultiregionStrategy struct {
	// MaxParallel: Regions at a time (0 all).
	MaxParallel int `hcl:"max_parallel"`
	// OnFailure: `fail_all`, `fail_local`, `""`.
	OnFailure string `hcl:"on_failure"`
}

// MultiregionRegion is the MultiregionRegion object of the HTTP API, see http-types.md.
type MultiregionRegion struct {
	// Name: Region.
	Name string `hcl:"name,label"`
	// Count: Replaces group counts of 0 or 1.
	Count int `hcl:"count"`
	// Datacenters: Overrides.
	Datacenters []string `hcl:"datacenters"`
	// NodePool: Overrides.
	NodePool string `hcl:"node_pool"`
	// Meta: Merged over job meta.
	Meta map[string]string `hcl:"meta,map,attr"`
}
