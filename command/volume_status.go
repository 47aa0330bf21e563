// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// volumeStatus is what "volume status" is told.
type volumeStatus struct {
	kind, pool, node string
	short, verbose   bool
	out              output
}

func volumeStatusCommand() *spec {
	var v volumeStatus
	return &spec{
		usage: "volume status [options] [<id>]", synopsis: "Show volumes", remote: true, args: atMost(1, "<id>"),
		long: `Lists the volumes; with the ID of one, or the start of it, shows that.

Example:

    $ nomadlike volume status -type host`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&v.kind, "type", "", "Only volumes of this `type`, csi or host.")
			f.BoolVar(&v.short, "short", false, "Show less of one volume.")
			f.BoolVar(&v.verbose, "verbose", false, "Show full identifiers.")
			f.StringVar(&v.pool, "node-pool", "", "Only host volumes of the node pool with this `name`.")
			f.StringVar(&v.node, "node", "", "Only host volumes of the node with this `id`.")
			v.out.register(f)
		},
		run: remotely(&v.out, v.run),
	}
}

func (v *volumeStatus) run(ctx context.Context, m *meta, c *client.Client, args []string) error {
	prefix := strings.Join(args, "")
	if v.kind != "" && v.kind != "csi" && v.kind != "host" {
		return usageError(fmt.Sprintf("Unknown volume type %q: -type takes csi or host", v.kind))
	}
	var hosts []*api.HostVolumeStub
	var csi []*api.CSIVolumeListStub
	if v.kind != "csi" {
		req := &api.VolumeListRequest{Type: "host", NodePool: v.pool, NodeID: v.node}
		req.Prefix = prefix
		var err error
		if hosts, _, err = api.VolumeList.Call(ctx, c, req); err != nil {
			return doing("Error querying host volumes", err)
		}
	}
	if v.kind != "host" && v.pool == "" && v.node == "" {
		var err error
		if csi, err = csiVolumes(ctx, m, c, prefix); err != nil {
			return doing("Error querying CSI volumes", err)
		}
	}
	if prefix != "" {
		return v.one(ctx, m, c, prefix, hosts, csi)
	}
	if v.out.wanted() {
		switch v.kind {
		case "host":
			return v.out.print(m, hosts)
		case "csi":
			return v.out.print(m, csi)
		}
		return v.out.print(m, struct {
			HostVolumes []*api.HostVolumeStub
			CSIVolumes  []*api.CSIVolumeListStub
		}{hosts, csi})
	}
	if v.kind != "csi" {
		fmt.Fprintln(m.out, m.paint(bold, "Dynamic Host Volumes"))
		v.table(m, "No dynamic host volumes", hostVolumeRows(hosts, v.verbose))
	}
	if v.kind != "host" {
		if v.kind == "" {
			fmt.Fprintln(m.out)
		}
		fmt.Fprintln(m.out, m.paint(bold, "Container Storage Interface"))
		v.table(m, "No CSI volumes", csiVolumeRows(csi))
	}
	return nil
}

func (v *volumeStatus) table(m *meta, none string, rows [][]string) {
	if len(rows) == 1 {
		fmt.Fprintln(m.out, none)
		return
	}
	fmt.Fprintln(m.out, columns(rows))
}

// csiVolumes lists CSI volumes; they share a route with the host volumes, whose form the operation declares.
func csiVolumes(ctx context.Context, m *meta, c *client.Client, prefix string) ([]*api.CSIVolumeListStub, error) {
	q := url.Values{"type": {"csi"}}
	for k, val := range map[string]string{"prefix": prefix, "region": m.region, "namespace": m.namespace} {
		if val != "" {
			q.Set(k, val)
		}
	}
	res, err := c.Raw(ctx, http.MethodGet, "/v1/volumes?"+q.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, &client.StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	var list []*api.CSIVolumeListStub
	err = c.Decode("CSIVolume.List", res.Header.Get("Content-Type"), body, &list)
	return list, err
}

func hostVolumeRows(list []*api.HostVolumeStub, verbose bool) [][]string {
	rows := [][]string{{"ID", "Name", "Namespace", "Plugin ID", "Node ID", "Node Pool", "State"}}
	for _, h := range list {
		rows = append(rows, []string{shortID(h.ID, verbose), h.Name, h.Namespace, h.PluginID, shortID(h.NodeID, verbose), h.NodePool, h.State})
	}
	return rows
}

func csiVolumeRows(list []*api.CSIVolumeListStub) [][]string {
	rows := [][]string{{"ID", "Name", "Namespace", "Plugin ID", "Schedulable", "Access Mode"}}
	for _, s := range list {
		rows = append(rows, []string{s.ID, s.Name, s.Namespace, s.PluginID, strconv.FormatBool(s.Schedulable), s.AccessMode})
	}
	return rows
}

// one shows the volume that prefix names, whichever kind it is.
func (v *volumeStatus) one(ctx context.Context, m *meta, c *client.Client, prefix string, hosts []*api.HostVolumeStub, csi []*api.CSIVolumeListStub) error {
	hostName := func(h *api.HostVolumeStub) string { return h.ID }
	csiName := func(s *api.CSIVolumeListStub) string { return s.ID }
	if len(hosts) == 0 && len(csi) == 0 {
		if v.kind != "csi" {
			m.complain("No host volumes with prefix or ID %q found", prefix)
		}
		if v.kind != "host" {
			m.complain("No CSI volumes with prefix or ID %q found", prefix)
		}
		return exitError(m.spec.status())
	}
	if len(hosts) > 0 && len(csi) > 0 {
		rows := [][]string{{"ID", "Name", "Type"}}
		for _, h := range hosts {
			rows = append(rows, []string{shortID(h.ID, v.verbose), h.Name, "host"})
		}
		for _, s := range csi {
			rows = append(rows, []string{s.ID, s.Name, "csi"})
		}
		return ambiguous(m, "Prefix matched multiple volumes", rows)
	}
	if len(hosts) > 0 {
		stub, err := oneOf(m, "volumes", "", prefix, hosts, hostName, func(l []*api.HostVolumeStub) [][]string { return hostVolumeRows(l, v.verbose) })
		if err != nil {
			return err
		}
		return v.host(ctx, m, c, stub)
	}
	stub, err := oneOf(m, "volumes", "", prefix, csi, csiName, csiVolumeRows)
	if err != nil {
		return err
	}
	if v.out.wanted() {
		return v.out.print(m, stub)
	}
	fmt.Fprintln(m.out, pairs("ID", stub.ID, "Name", stub.Name, "Namespace", stub.Namespace, "External ID", stub.ExternalID, "Plugin ID", stub.PluginID,
		"Provider", stub.Provider, "Schedulable", strconv.FormatBool(stub.Schedulable), "Access Mode", stub.AccessMode, "Attachment Mode", stub.AttachmentMode))
	return nil
}

func (v *volumeStatus) host(ctx context.Context, m *meta, c *client.Client, stub *api.HostVolumeStub) error {
	req := &api.HostVolumeRequest{VolumeID: stub.ID}
	req.Namespace = stub.Namespace
	h, _, err := api.HostVolumeGet.Call(ctx, c, req)
	if err != nil {
		return doing("Error querying host volume", err)
	}
	if v.out.wanted() {
		return v.out.print(m, h)
	}
	fmt.Fprintln(m.out, pairs("ID", h.ID, "Name", h.Name, "Namespace", h.Namespace, "Plugin ID", h.PluginID, "Node ID", shortID(h.NodeID, v.verbose),
		"Node Pool", h.NodePool, "Capacity", size(uint64(max(h.CapacityBytes, 0))), "State", h.State, "Host Path", h.HostPath))
	if v.short {
		return nil
	}
	m.heading("Allocations")
	if len(h.Allocations) == 0 {
		fmt.Fprintln(m.out, "No allocations placed")
		return nil
	}
	fmt.Fprintln(m.out, columns(m.allocRows(h.Allocations, v.verbose)))
	return nil
}
