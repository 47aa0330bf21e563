// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Labels of a network specification.
const (
	sandboxContainer = "docker_sandbox_container_id"
	sandboxHostname  = "docker_sandbox_hostname"
)

// network chooses the network and publishes ports.
func (b *builder) network() error {
	mode := b.options.NetworkMode
	group := b.task.NetworkIsolation
	inGroup := group != nil && group.Mode == drivers.NetworkIsolationGroup
	if mode == "" {
		mode = "default"
		if inGroup {
			pause := group.Labels[sandboxContainer]
			if pause == "" {
				return errors.New("the network of the group was not made by this driver and cannot be joined by a container")
			}
			mode = "container:" + pause
		}
	}
	b.out.HostConfig.NetworkMode = container.NetworkMode(mode)
	if !strings.HasPrefix(mode, "container:") {
		if err := b.endpoint(mode); err != nil {
			return err
		}
	}
	return b.ports(strings.HasPrefix(mode, "container:"))
}

func (b *builder) ports(joined bool) error {
	resources := b.task.Resources
	b.portMap = map[string]int{}
	switch {
	case resources == nil:
		return nil
	case len(resources.Ports) > 0 && len(b.options.Ports) > 0:
		if joined {
			return nil // the ports are those of the group's network
		}
		for _, label := range b.options.Ports {
			port := findPort(resources.Ports, label)
			if port == nil {
				return fmt.Errorf("Port %q not found, check network block", label)
			}
			inside := port.To
			if inside <= 0 {
				inside = port.Value
			}
			if err := b.publish(port.HostIP, port.Value, inside); err != nil {
				return err
			}
			b.portMap[label] = inside
		}
		return nil
	case len(resources.Networks) > 0:
		return b.ownPorts(resources.Networks[0])
	case len(b.options.PortMap) > 0:
		if len(resources.Ports) > 0 {
			return errors.New("'port_map' cannot map group network ports, use 'ports' instead")
		}
		return errors.New("Trying to map ports but no network interface is available")
	case len(b.options.Ports) > 0:
		return fmt.Errorf("Port %q not found, check network block", b.options.Ports[0])
	}
	return nil
}

func findPort(ports []*drivers.PortMapping, label string) *drivers.PortMapping {
	for _, p := range ports {
		if p.Label == label {
			return p
		}
	}
	return nil
}

// ownPorts publishes all ports of a network of the task itself.
func (b *builder) ownPorts(n *drivers.NetworkResource) error {
	ports := append(append([]drivers.NetworkPort(nil), n.ReservedPorts...), n.DynamicPorts...)
	known := map[string]bool{}
	for _, port := range ports {
		known[port.Label] = true
		inside := port.Value
		if to, ok := b.options.PortMap[port.Label]; ok {
			inside = to
			b.portMap[port.Label] = to
			b.task.Env["NOMAD_PORT_"+port.Label] = strconv.Itoa(to)
		}
		if err := b.publish(n.IP, port.Value, inside); err != nil {
			return err
		}
	}
	for label := range b.options.PortMap {
		if !known[label] {
			return fmt.Errorf("port_map: Port %q not found, check network block", label)
		}
	}
	return nil
}

// publish makes a port of the host lead to one of the container, for both
// protocols.
func (b *builder) publish(address string, host, inside int) error {
	var ip netip.Addr
	if address != "" {
		var err error
		if ip, err = netip.ParseAddr(address); err != nil {
			return fmt.Errorf("publish port %d: %q is no IP address", host, address)
		}
	}
	if inside < 1 || inside > 0xffff {
		return fmt.Errorf("publish port %d: %d is no port", host, inside)
	}
	if b.out.HostConfig.PortBindings == nil {
		b.out.HostConfig.PortBindings, b.out.Config.ExposedPorts = network.PortMap{}, network.PortSet{}
	}
	for _, protocol := range []network.IPProtocol{network.TCP, network.UDP} {
		port, _ := network.PortFrom(uint16(inside), protocol)
		b.out.Config.ExposedPorts[port] = struct{}{}
		b.out.HostConfig.PortBindings[port] = append(b.out.HostConfig.PortBindings[port],
			network.PortBinding{HostIP: ip, HostPort: strconv.Itoa(host)})
	}
	b.publishes = true
	return nil
}

// override says which address the container got; nil if it has none of its own.
func override(settings *container.NetworkSettings, options *taskConfig, portMap map[string]int) *drivers.NetworkOverride {
	out := &drivers.NetworkOverride{PortMap: portMap}
	if settings != nil {
		for name, n := range settings.Networks {
			if n == nil {
				continue
			}
			if options.AdvertiseIPv6Address {
				if n.GlobalIPv6Address.IsValid() {
					out.IP, out.AutoAdvertise = n.GlobalIPv6Address.String(), true
					break
				}
				continue
			}
			if n.IPAddress.IsValid() {
				out.IP = n.IPAddress.String()
				// A network that the operator made is one that others are in too.
				out.AutoAdvertise = name != "bridge" && name != "nat"
				break
			}
		}
	}
	if out.IP == "" && len(portMap) == 0 {
		return nil
	}
	return out
}

// pauseName is the name of the container that holds an allocation's network.
func pauseName(allocID string) string { return "nomad_init_" + allocID }

// CreateNetwork implements drivers.Driver: a container that does nothing but
// hold a network for those of the tasks.
func (d *Driver) CreateNetwork(ctx context.Context, allocID string, request *drivers.NetworkRequest) (
	*drivers.NetworkIsolationSpec, bool, error,
) {
	config, engine := d.settings()
	found, err := engine.ContainerInspect(ctx, pauseName(allocID), client.ContainerInspectOptions{})
	switch {
	case err == nil && found.Container.State != nil && found.Container.State.Running:
		return d.networkSpec(&found.Container, request), false, nil
	case err == nil:
		d.forgetPause(found.Container.ID) // one that has ended, or never began, makes room
	case !notFound(err):
		return nil, false, failure("look for the container of the network", err)
	}
	img, err := d.images.get(ctx, allocID, "", &wanted{
		name: config.InfraImage, timeout: config.infraPullTimeout, setting: "infra_image_pull_timeout",
		auth: func(ctx context.Context, named reference.Named) (string, error) {
			return authFor(ctx, named, &taskConfig{}, config)
		},
		tell: func(string, map[string]string) {},
	})
	if err != nil {
		return nil, false, fmt.Errorf("get the image of network containers: %w", err)
	}
	spec, err := d.startPause(ctx, allocID, request, img)
	if err != nil {
		d.images.release(img.id, allocID)
		return nil, false, fmt.Errorf("container of the network: %w", err)
	}
	return spec, true, nil
}

func (d *Driver) startPause(ctx context.Context, allocID string, request *drivers.NetworkRequest, img *image) (
	*drivers.NetworkIsolationSpec, error,
) {
	hostname := ""
	if request != nil {
		hostname = request.Hostname
	}
	found, err := d.launch(ctx, &client.ContainerCreateOptions{
		Name: pauseName(allocID),
		Config: &container.Config{
			Image: img.id, Hostname: hostname, Labels: d.ownLabels(allocID), Env: []string{allocVariable + allocID},
		},
		HostConfig: &container.HostConfig{
			NetworkMode:   "none",
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		},
	})
	if err != nil {
		return nil, err
	}
	return d.networkSpec(found, request), nil
}

// holdPause makes the container of a network one that is known.
func (d *Driver) holdPause(id string) {
	d.mu.Lock()
	d.mu.pauses[id] = true
	d.mu.Unlock()
}

// forgetPause makes the container of a network one that nobody knows, which reconciliation removes if nobody else does.
func (d *Driver) forgetPause(id string) {
	d.mu.Lock()
	delete(d.mu.pauses, id)
	d.mu.Unlock()
}

func (d *Driver) networkSpec(pause *container.InspectResponse, request *drivers.NetworkRequest) *drivers.NetworkIsolationSpec {
	d.logger.Debug("container holds the network", "container_id", pause.ID, "name", pause.Name)
	d.holdPause(pause.ID)
	d.learnKeeper(pause)
	spec := &drivers.NetworkIsolationSpec{
		Mode: drivers.NetworkIsolationGroup, Labels: map[string]string{sandboxContainer: pause.ID},
	}
	if pause.NetworkSettings != nil {
		spec.Path = pause.NetworkSettings.SandboxKey
	}
	if request != nil && request.Hostname != "" {
		spec.Labels[sandboxHostname] = request.Hostname
	}
	return spec
}

// DestroyNetwork implements drivers.Driver.
func (d *Driver) DestroyNetwork(ctx context.Context, allocID string, spec *drivers.NetworkIsolationSpec) error {
	// A plugin that ended may have made one that nobody has heard of, in place of that of the specification.
	holders := []string{pauseName(allocID)}
	if spec != nil && spec.Labels[sandboxContainer] != "" {
		holders = append(holders, spec.Labels[sandboxContainer])
	}
	for _, id := range holders {
		if err := d.removePause(ctx, allocID, id); err != nil {
			d.doubtPauses(holders) // who asks may give up
			return err
		}
	}
	return nil
}

// doubtPauses makes containers of networks such as reconciliation removes if nobody is in their network.
func (d *Driver) doubtPauses(ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if d.mu.pauses[id] {
			d.mu.pauses[id] = false
		}
	}
}

// removePause removes the container of a network, unless it is gone or somebody else's.
func (d *Driver) removePause(ctx context.Context, allocID, id string) error {
	_, engine := d.settings()
	found, err := engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case notFound(err):
		d.logger.Debug("there is no container of the network", "alloc_id", allocID, "container_id", id)
		return nil
	case err != nil:
		return failure("look for the container of the network", err)
	case found.Container.Config == nil || found.Container.Config.Labels[allocLabel] != allocID:
		return nil
	}
	_, _ = engine.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: new(1)})
	if err := d.removeContainer(ctx, found.Container.ID, false); err != nil {
		return failure("remove the container of the network", err)
	}
	d.logger.Debug("container of the network is removed", "alloc_id", allocID, "container_id", found.Container.ID)
	d.forgetPause(found.Container.ID)
	d.images.release(found.Container.Image, allocID)
	return nil
}

// learnPauses finds the containers of networks that an earlier process made.
func (d *Driver) learnPauses(ctx context.Context) error {
	_, engine := d.settings()
	list, err := engine.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", allocLabel),
	})
	if err != nil {
		return err
	}
	for _, c := range list.Items {
		allocID := c.Labels[allocLabel]
		for _, name := range c.Names {
			if strings.TrimPrefix(name, "/") == pauseName(allocID) {
				d.mu.Lock()
				if _, holds := d.mu.pauses[c.ID]; !holds {
					d.mu.pauses[c.ID] = false
				}
				d.mu.Unlock()
				d.images.resume(c.ImageID, allocID, "")
			}
		}
	}
	return nil
}
