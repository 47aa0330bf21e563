// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func nodePoolApplyCommand() *spec {
	var isJSON bool
	return &spec{
		usage: "node pool apply [options] <path>", synopsis: "Create or change a node pool", remote: true, args: exactly(1, "<path>"), completes: completeFiles,
		long: `Creates or changes the node pool that the specification file describes; - reads standard input. "node pool init"
writes an example.

Example:

    $ nomadlike node pool apply pool.nomad.hcl`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&isJSON, "json", false, "The file is JSON in the form of the HTTP API.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			src, err := readSource(ctx, m, args[0])
			if err != nil {
				return doing("Failed to read file", err)
			}
			pool, err := parseNodePool(args[0], src, isJSON)
			if err != nil {
				return doing("Failed to parse node pool", err)
			}
			if _, _, err := api.NodePoolApply.Call(ctx, c, &api.NodePoolApplyRequest{PathName: pool.Name, Pool: pool}); err != nil {
				return doing("Error applying node pool", err)
			}
			fmt.Fprintf(m.out, "Successfully applied node pool %q!\n", pool.Name)
			return nil
		}),
	}
}

// nodePoolFile is the form of a node pool's specification.
type nodePoolFile struct {
	Pools []struct {
		Name        string  `hcl:"name,label"`
		Description string  `hcl:"description,optional"`
		TTL         *string `hcl:"node_identity_ttl,optional"`
		Scheduler   *struct {
			Algorithm        string `hcl:"scheduler_algorithm,optional"`
			Oversubscription *bool  `hcl:"memory_oversubscription_enabled,optional"`
		} `hcl:"scheduler_config,block"`
		Remain hcl.Body `hcl:",remain"`
	} `hcl:"node_pool,block"`
}

func parseNodePool(path string, src []byte, isJSON bool) (*api.NodePool, error) {
	pool := &api.NodePool{}
	if isJSON {
		if err := json.Unmarshal(src, pool); err != nil {
			return nil, err
		}
	} else {
		var f nodePoolFile
		if err := parseSpec(path, src, &f); err != nil {
			return nil, err
		}
		if len(f.Pools) != 1 {
			return nil, fmt.Errorf("%s has %s, want one node_pool block", path, count(len(f.Pools), "node pool"))
		}
		p := f.Pools[0]
		meta, err := specMeta(p.Remain)
		if err != nil {
			return nil, err
		}
		pool.Name, pool.Description, pool.Meta = p.Name, p.Description, meta
		if p.TTL != nil {
			if pool.NodeIdentityTTL, err = time.ParseDuration(*p.TTL); err != nil {
				return nil, fmt.Errorf("node_identity_ttl: %w", err)
			}
		}
		if s := p.Scheduler; s != nil {
			pool.SchedulerConfiguration = &api.NodePoolSchedulerConfiguration{SchedulerAlgorithm: s.Algorithm, MemoryOversubscriptionEnabled: s.Oversubscription}
		}
	}
	if pool.Name == "" {
		return nil, errors.New("the node pool has no name")
	}
	return pool, nil
}

func nodePoolDeleteCommand() *spec {
	return &spec{
		usage: "node pool delete [options] <node-pool>", synopsis: "Delete a node pool", remote: true, args: exactly(1, "<node-pool>"), completes: completeNodePools,
		long: "Deletes a node pool that no node and no job uses.\n\nExample:\n\n    $ nomadlike node pool delete gpu",
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if _, _, err := api.NodePoolDelete.Call(ctx, c, &api.NodePoolDeleteRequest{Name: args[0]}); err != nil {
				return doing("Error deleting node pool", err)
			}
			fmt.Fprintf(m.out, "Successfully deleted node pool %q!\n", args[0])
			return nil
		}),
	}
}

// Example specifications.
const (
	exampleNodePool = `node_pool "example" {
  description = "Example node pool"

  # The time after which the signed identity of a node has to be renewed.
  # node_identity_ttl = "24h"

  # Values for people and tools; the scheduler does not look at them.
  meta {
    environment = "prod"
    owner       = "sre"
  }

  # Overrides of the scheduler configuration for this pool.
  # scheduler_config {
  #   scheduler_algorithm             = "spread"
  #   memory_oversubscription_enabled = true
  # }
}
`
	exampleNodePoolJSON = `{
  "Name": "example",
  "Description": "Example node pool",
  "Meta": {
    "environment": "prod",
    "owner": "sre"
  }
}
`
)

func nodePoolInitCommand() *spec {
	var (
		form  string
		quiet bool
	)
	return &spec{
		usage: "node pool init [options] [<file>]", synopsis: "Write an example node pool specification", args: atMost(1, "<file>"), completes: completeFiles,
		long: `Writes an example specification, pool.nomad.hcl or pool.nomad.json by default, to start from. An existing file stays.

Example:

    $ nomadlike node pool init && nomadlike node pool apply pool.nomad.hcl`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&form, "out", "hcl", "The `form` of the file, hcl or json.")
			f.BoolVar(&quiet, "quiet", false, "Say nothing when it went well.")
		},
		run: func(_ context.Context, m *meta, args []string) error {
			path, text := "pool.nomad.hcl", exampleNodePool
			switch form {
			case "hcl":
			case "json":
				path, text = "pool.nomad.json", exampleNodePoolJSON
			default:
				return usageError(fmt.Sprintf("Unknown form %q: -out takes hcl or json", form))
			}
			if len(args) == 1 {
				path = args[0]
			}
			if err := writeNew(path, []byte(text), 0o660); err != nil {
				return err
			}
			if !quiet {
				fmt.Fprintf(m.out, "Example node pool specification written to %s\n", path)
			}
			return nil
		},
	}
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("File %q already exists", path) //nolint:staticcheck // the contract's text
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
