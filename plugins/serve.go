// SPDX-License-Identifier: MPL-2.0

package plugins

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/internal/shim/pages"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// collectPercent makes a plugin process trade processor time, of which it uses
// little, for memory, of which there is one process per driver on every node.
const collectPercent = 40

// A process that starts may have a thousand tasks to recover: until startFor has
// passed it leaves more garbage lying, startPercent.
const (
	startPercent = 300
	startFor     = 5 * time.Second
)

// Serve turns this process into a plugin that serves the driver, and returns
// when the host has asked it to end, or when no host has been connected for
// orphanTimeout. The process must not have written to standard output before.
//
// The process outlives its host: it is meant to be found again by the next
// one. Logs go through Logger.
func Serve(driver drivers.Driver) {
	serve(goplugin.PluginSet{
		// Both names are served by one registration: a second one for the
		// base service would be refused by gRPC.
		DriverName: &service{register: func(server *grpc.Server) { drivers.Register(server, driver) }},
	})
}

// ServeDevice is Serve for a device plugin.
func ServeDevice(plugin device.Plugin) {
	serve(goplugin.PluginSet{
		DeviceName: &service{register: func(server *grpc.Server) { device.Register(server, plugin) }},
	})
}

func serve(set goplugin.PluginSet) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(startPercent)
		time.AfterFunc(startFor, func() {
			debug.SetGCPercent(collectPercent)
			debug.FreeOSMemory()
			pages.GiveBack()
		})
	}
	surviveBrokenPipes()
	orphan := newOrphanWatch(orphanTimeout)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         set,
		Logger:          Logger(),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			server := grpc.NewServer(append(opts,
				grpc.MaxRecvMsgSize(math.MaxInt32),
				grpc.MaxSendMsgSize(math.MaxInt32),
				grpc.StatsHandler(orphan),
				// Messages are small and the peer is local.
				grpc.ReadBufferSize(4<<10),
				grpc.WriteBufferSize(4<<10),
			)...)
			orphan.onExpiry(server.Stop)
			return server
		},
	})
	removeSocketDir()
}

// removeSocketDir removes the directory that the host has made for the sockets
// of this process, for when there is no host any more to do so.
func removeSocketDir() {
	if dir := os.Getenv(goplugin.EnvUnixSocketDir); strings.HasPrefix(filepath.Base(dir), "plugin-dir") {
		_ = os.Remove(dir) // only if it is empty; a host that lives has removed it
	}
}
