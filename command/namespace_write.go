// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/hashicorp/hcl/v2"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func namespaceApplyCommand() *spec {
	var (
		description, quota string
		isJSON             bool
	)
	return &spec{
		usage: "namespace apply [options] <name or path>", synopsis: "Create or change a namespace", remote: true, args: exactly(1, "<name or path>"), completes: completeFiles,
		long: `Creates or changes a namespace. The argument is a specification file if there is one of that name, standard input
if it is -, and else the namespace's name; what exists of it then stays where no option changes it.

Example:

    $ nomadlike namespace apply -description "Team A" team-a`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&description, "description", "", "A `text` that describes the namespace.")
			f.StringVar(&quota, "quota", "", "The `name` of a quota.")
			f.BoolVar(&isJSON, "json", false, "The file is JSON in the form of the HTTP API.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			set := map[string]bool{}
			m.flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
			n, err := namespaceOf(ctx, m, c, args[0], isJSON)
			if err != nil {
				return err
			}
			if n.fromFile {
				for _, f := range []string{"description", "quota"} {
					if set[f] {
						fmt.Fprintln(m.err, m.paint(yellow, fmt.Sprintf("Warning: -%s is ignored, the file says what the namespace is", f)))
					}
				}
			} else {
				if set["description"] {
					n.Description = description
				}
				if set["quota"] {
					n.Quota = quota
				}
			}
			if _, _, err := api.NamespaceApply.Call(ctx, c, &api.NamespaceApplyRequest{Object: &n.Namespace}); err != nil {
				return doing("Error applying namespace specification", err)
			}
			fmt.Fprintf(m.out, "Successfully applied namespace %q!\n", n.Name)
			return nil
		}),
	}
}

type namespaceInput struct {
	api.Namespace
	fromFile bool
}

// namespaceOf reads a specification, or what the servers have under a name.
func namespaceOf(ctx context.Context, m *meta, c *client.Client, arg string, isJSON bool) (*namespaceInput, error) {
	info, err := os.Stat(arg)
	if arg == "-" || err == nil && info.Mode().IsRegular() {
		src, err := readSource(ctx, m, arg)
		if err != nil {
			return nil, doing("Error reading namespace specification", err)
		}
		n, err := parseNamespace(arg, src, isJSON)
		if err != nil {
			return nil, doing("Error parsing namespace specification", err)
		}
		return &namespaceInput{*n, true}, nil
	}
	if isJSON {
		return nil, fmt.Errorf("-json is about a file, and there is none called %q", arg)
	}
	n, _, err := api.NamespaceGet.Call(ctx, c, &api.NamespaceRequest{Name: arg})
	switch {
	case client.IsStatus(err, http.StatusNotFound):
		return &namespaceInput{Namespace: api.Namespace{Name: arg}}, nil
	case err != nil:
		return nil, doing("Error looking up namespace", err)
	}
	return &namespaceInput{Namespace: *n}, nil
}

// namespaceFile is the form of a namespace's specification.
type namespaceFile struct {
	Name         string `hcl:"name"`
	Description  string `hcl:"description,optional"`
	Quota        string `hcl:"quota,optional"`
	Capabilities *struct {
		EnabledDrivers  []string `hcl:"enabled_task_drivers,optional"`
		DisabledDrivers []string `hcl:"disabled_task_drivers,optional"`
		EnabledModes    []string `hcl:"enabled_network_modes,optional"`
		DisabledModes   []string `hcl:"disabled_network_modes,optional"`
	} `hcl:"capabilities,block"`
	NodePools *namespaceListFile `hcl:"node_pool_config,block"`
	Vault     *namespaceListFile `hcl:"vault,block"`
	Consul    *namespaceListFile `hcl:"consul,block"`
	Remain    hcl.Body           `hcl:",remain"`
}

type namespaceListFile struct {
	Default string   `hcl:"default,optional"`
	Allowed []string `hcl:"allowed,optional"`
	Denied  []string `hcl:"denied,optional"`
}

func (f *namespaceListFile) value() *api.NamespaceListConfiguration {
	if f == nil {
		return nil
	}
	return &api.NamespaceListConfiguration{Default: f.Default, Allowed: f.Allowed, Denied: f.Denied}
}

func parseNamespace(path string, src []byte, isJSON bool) (*api.Namespace, error) {
	n := &api.Namespace{}
	if isJSON {
		if err := typeinfo.Unmarshal(src, n); err != nil {
			return nil, err
		}
	} else {
		var f namespaceFile
		if err := parseSpec(path, src, &f); err != nil {
			return nil, err
		}
		meta, err := specMeta(f.Remain)
		if err != nil {
			return nil, err
		}
		*n = api.Namespace{
			Name: f.Name, Description: f.Description, Quota: f.Quota, Meta: meta,
			NodePoolConfiguration: f.NodePools.value(), VaultConfiguration: f.Vault.value(), ConsulConfiguration: f.Consul.value(),
		}
		if c := f.Capabilities; c != nil {
			n.Capabilities = &api.NamespaceCapabilities{
				EnabledTaskDrivers: c.EnabledDrivers, DisabledTaskDrivers: c.DisabledDrivers,
				EnabledNetworkModes: c.EnabledModes, DisabledNetworkModes: c.DisabledModes,
			}
		}
	}
	if n.Name == "" {
		return nil, errors.New("the namespace has no name")
	}
	return n, nil
}

func namespaceDeleteCommand() *spec {
	return &spec{
		usage: "namespace delete [options] <namespace>", synopsis: "Delete a namespace", remote: true, args: exactly(1, "<namespace>"), completes: completeNamespaces,
		long: "Deletes a namespace that nothing uses.\n\nExample:\n\n    $ nomadlike namespace delete team-a",
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if _, _, err := api.NamespaceDelete.Call(ctx, c, &api.NamespaceDeleteRequest{Name: args[0]}); err != nil {
				return doing("Error deleting namespace", err)
			}
			fmt.Fprintf(m.out, "Successfully deleted namespace %q!\n", args[0])
			return nil
		}),
	}
}
