// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"reflect"
	"testing"
)

// TestOptionBlocks: options of older configurations are settings of drivers unless there is a plugin block.
func TestOptionBlocks(t *testing.T) {
	options := map[string]string{
		"driver.raw_exec.enable": "1", "docker.endpoint": "unix:///x", "docker.auth.config": "/a", "docker.auth.helper": "h",
		"docker.volumes.enabled": "true", "docker.caps.whitelist": "net_raw, kill", "docker.cleanup.image.delay": "5m", "docker.cleanup.image": "maybe",
		"driver.denylist": "qemu", "consul.address": "x", "docker.volume.enabled": "true",
	}
	got := map[string]map[string]any{}
	for _, b := range optionBlocks(options, nil) {
		got[b.Label] = b.Config
	}
	want := map[string]map[string]any{
		"raw_exec": {"enabled": true},
		"docker": {
			"endpoint": "unix:///x", "auth": []any{map[string]any{"config": "/a", "helper": "h"}}, "volumes": []any{map[string]any{"enabled": true}},
			"allow_caps": []any{"net_raw", "kill"}, "gc": []any{map[string]any{"image_delay": "5m", "image": "maybe"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("blocks are %v, want %v", got, want)
	}
	blocks := optionBlocks(options, map[string]*PluginConfig{"docker": {}})
	if len(blocks) != 1 || blocks[0].Label != "raw_exec" {
		t.Errorf("beside a block for docker: %v", blocks)
	}
	if idle := idleOptions(options); !reflect.DeepEqual(idle, []string{"consul.address", "docker.volume.enabled"}) {
		t.Errorf("idle options are %v", idle)
	}
}
