// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func serviceListCommand() *spec {
	var (
		only string
		out  output
	)
	return &spec{
		usage: "service list [options]", synopsis: "List services", remote: true,
		long: "Lists the names of registered services with the tags of all their instances.\n\nExample:\n\n    $ nomadlike service list -namespace '*'",
		flags: func(f *flag.FlagSet) {
			f.StringVar(&only, "name", "", "Only the service with this `name`.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			list, _, err := api.ServiceList.Call(ctx, c, &api.ServiceListRequest{})
			if err != nil {
				return doing("Error listing service registrations", err)
			}
			if only != "" {
				for _, ns := range list {
					ns.Services = slices.DeleteFunc(ns.Services, func(s *api.ServiceStub) bool { return s.ServiceName != only })
				}
				list = slices.DeleteFunc(list, func(ns *api.ServiceListStub) bool { return len(ns.Services) == 0 })
			}
			switch {
			case out.wanted():
				return out.print(m, list)
			case len(list) == 0:
				fmt.Fprintln(m.out, "No service registrations found")
				return nil
			}
			fmt.Fprintln(m.out, columns(serviceRows(list, m.namespace == api.AllNamespaces)))
			return nil
		}),
	}
}

func serviceRows(list []*api.ServiceListStub, namespaces bool) [][]string {
	head := []string{"Service Name", "Tags"}
	if namespaces {
		head = []string{"Service Name", "Namespace", "Tags"}
	}
	rows := [][]string{}
	for _, ns := range list {
		for _, s := range ns.Services {
			row := []string{s.ServiceName, tagList(s.Tags)}
			if namespaces {
				row = slices.Insert(row, 1, ns.Namespace)
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return append([][]string{head}, rows...)
}

func tagList(tags []string) string { return "[" + strings.Join(tags, ",") + "]" }

func serviceInfoCommand() *spec {
	var (
		verbose bool
		list    listFlags
		out     output
	)
	return &spec{
		usage: "service info [options] <name>", synopsis: "Show the instances of a service", remote: true, args: exactly(1, "<name>"), completes: completeServices,
		long: "Shows the registered instances of the service with the name, or the start of one.\n\nExample:\n\n    $ nomadlike service info web",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&verbose, "verbose", false, "Show all that is known of each instance.")
			list.register(f)
			list.paging(f)
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			found, err := findService(ctx, m, c, args[0])
			if err != nil {
				return err
			}
			req := &api.ServiceRequest{ServiceName: found.name}
			req.Namespace = found.namespace
			list.apply(&req.ReadOptions)
			regs, meta, err := api.ServiceGet.Call(ctx, c, req)
			switch {
			case err != nil:
				return doing("Error listing service registrations", err)
			case out.wanted():
				return out.print(m, regs)
			case len(regs) == 0:
				fmt.Fprintln(m.out, "No service registrations found")
				return nil
			case verbose:
				for i, r := range regs {
					if i > 0 {
						fmt.Fprintln(m.out)
					}
					fmt.Fprintln(m.out, pairs("ID", r.ID, "Service Name", r.ServiceName, "Namespace", r.Namespace, "Job ID", r.JobID, "Alloc ID", r.AllocID,
						"Node ID", r.NodeID, "Datacenter", r.Datacenter, "Address", serviceAddress(r), "Tags", tagList(r.Tags)))
				}
			default:
				rows := [][]string{{"Job ID", "Address", "Tags", "Node ID", "Alloc ID"}}
				for _, r := range regs {
					rows = append(rows, []string{r.JobID, serviceAddress(r), tagList(r.Tags), shortID(r.NodeID, false), shortID(r.AllocID, false)})
				}
				fmt.Fprintln(m.out, columns(rows))
			}
			m.nextPage(meta.NextToken)
			return nil
		}),
	}
}

func serviceAddress(r *api.ServiceRegistration) string {
	if r.Port == 0 {
		return r.Address
	}
	return net.JoinHostPort(r.Address, strconv.Itoa(r.Port))
}

type serviceName struct{ name, namespace string }

// findService finds the one service whose name is id or starts with it.
func findService(ctx context.Context, m *meta, c *client.Client, id string) (serviceName, error) {
	list, _, err := api.ServiceList.Call(ctx, c, &api.ServiceListRequest{})
	if err != nil {
		return serviceName{}, doing("Error listing service registrations", err)
	}
	var all []serviceName
	for _, ns := range list {
		for _, s := range ns.Services {
			all = append(all, serviceName{s.ServiceName, ns.Namespace})
		}
	}
	return oneOf(m, "services", fmt.Sprintf("No service registrations with name or prefix %q found", id), id, all, func(s serviceName) string { return s.name },
		func(l []serviceName) [][]string {
			rows := [][]string{{"Service Name", "Namespace"}}
			for _, s := range l {
				rows = append(rows, []string{s.name, s.namespace})
			}
			return rows
		})
}

func serviceDeleteCommand() *spec {
	return &spec{
		usage: "service delete [options] <name> <id>", synopsis: "Delete a service registration", remote: true, args: exactly(2, "<name> <id>"), completes: completeServices,
		long: `Deletes the registration of one instance of a service, which "service info -verbose" shows. A running
instance is registered again when its job changes or its client registers anew.

Example:

    $ nomadlike service delete web _nomad-task-4fd35a03-0ff2-d63d-f8b3-4d3a7b0e1ed5-group-web-web-http`,
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if _, _, err := api.ServiceDelete.Call(ctx, c, &api.ServiceDeleteRequest{ServiceName: args[0], ID: args[1]}); err != nil {
				return doing("Error deleting service registration", err)
			}
			fmt.Fprintln(m.out, "Successfully deleted service registration")
			return nil
		}),
	}
}
