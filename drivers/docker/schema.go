// SPDX-License-Identifier: MPL-2.0

package docker

import "github.com/nomadlike/nomadlike/plugins/hclspec"

// pluginSchema is that of the agent's config block.
var pluginSchema = hclspec.Object(hclspec.Fields{
	"endpoint": hclspec.Attr("endpoint", "string"),
	"auth": hclspec.Block("auth", hclspec.Object(hclspec.Fields{
		"config": hclspec.Attr("config", "string"),
		"helper": hclspec.Attr("helper", "string"),
	})),
	"tls": hclspec.Block("tls", hclspec.Object(hclspec.Fields{
		"cert": hclspec.Attr("cert", "string"),
		"key":  hclspec.Attr("key", "string"),
		"ca":   hclspec.Attr("ca", "string"),
	})),
	"extra_labels": hclspec.Attr("extra_labels", "list(string)"),
	"logging": hclspec.BlockOr("logging", hclspec.Object(hclspec.Fields{
		"type":   hclspec.AttrOr("type", "string", `"json-file"`),
		"config": hclspec.BlockAttrs("config", "string", false),
	}), `{ type = "json-file", config = { max-file = "2", max-size = "2m" } }`),
	"gc": hclspec.BlockOr("gc", hclspec.Object(hclspec.Fields{
		"image":       hclspec.AttrOr("image", "bool", "true"),
		"image_delay": hclspec.AttrOr("image_delay", "string", `"3m"`),
		"container":   hclspec.AttrOr("container", "bool", "true"),
		"dangling_containers": hclspec.BlockOr("dangling_containers", hclspec.Object(hclspec.Fields{
			"enabled":        hclspec.AttrOr("enabled", "bool", "true"),
			"period":         hclspec.AttrOr("period", "string", `"5m"`),
			"creation_grace": hclspec.AttrOr("creation_grace", "string", `"5m"`),
			"dry_run":        hclspec.AttrOr("dry_run", "bool", "false"),
		}), danglingDefaults),
	}), `{ image = true, image_delay = "3m", container = true, dangling_containers = `+danglingDefaults+` }`),
	"volumes": hclspec.BlockOr("volumes", hclspec.Object(hclspec.Fields{
		"enabled":      hclspec.AttrOr("enabled", "bool", "false"),
		"selinuxlabel": hclspec.Attr("selinuxlabel", "string"),
	}), "{ enabled = false }"),
	"allow_privileged":                       hclspec.AttrOr("allow_privileged", "bool", "false"),
	"allow_caps":                             hclspec.AttrOr("allow_caps", "list(string)", allowedByDefault),
	"nvidia_runtime":                         hclspec.AttrOr("nvidia_runtime", "string", `"nvidia"`),
	"allow_runtimes":                         hclspec.AttrOr("allow_runtimes", "list(string)", `["runc", "nvidia"]`),
	"infra_image":                            hclspec.Attr("infra_image", "string"),
	"infra_image_pull_timeout":               hclspec.AttrOr("infra_image_pull_timeout", "string", `"5m"`),
	"image_pull_timeout":                     hclspec.AttrOr("image_pull_timeout", "string", `"5m"`),
	"pull_activity_timeout":                  hclspec.AttrOr("pull_activity_timeout", "string", `"2m"`),
	"container_exists_attempts":              hclspec.AttrOr("container_exists_attempts", "number", "5"),
	"oom_score_adj":                          hclspec.AttrOr("oom_score_adj", "number", "0"),
	"pids_limit":                             hclspec.Attr("pids_limit", "number"),
	"disable_log_collection":                 hclspec.AttrOr("disable_log_collection", "bool", "false"),
	"windows_allow_insecure_container_admin": hclspec.AttrOr("windows_allow_insecure_container_admin", "bool", "false"),
	"allowed_modes": hclspec.Block("allowed_modes", hclspec.Object(hclspec.Fields{
		"pid":    hclspec.AttrOr("pid", "list(string)", "[]"),
		"ipc":    hclspec.AttrOr("ipc", "list(string)", "[]"),
		"userns": hclspec.AttrOr("userns", "list(string)", "[]"),
		"uts":    hclspec.AttrOr("uts", "list(string)", "[]"),
	})),
})

const danglingDefaults = `{ enabled = true, period = "5m", creation_grace = "5m", dry_run = false }`

// taskSchema is that of a task's config block.
var taskSchema = hclspec.Object(hclspec.Fields{
	"image":                     hclspec.RequiredAttr("image", "string"),
	"advertise_ipv6_address":    hclspec.Attr("advertise_ipv6_address", "bool"),
	"args":                      hclspec.Attr("args", "list(string)"),
	"auth_soft_fail":            hclspec.AttrOr("auth_soft_fail", "bool", "false"),
	"cap_add":                   hclspec.Attr("cap_add", "list(string)"),
	"cap_drop":                  hclspec.Attr("cap_drop", "list(string)"),
	"cgroupns":                  hclspec.Attr("cgroupns", "string"),
	"command":                   hclspec.Attr("command", "string"),
	"container_exists_attempts": hclspec.Attr("container_exists_attempts", "number"),
	"cpu_hard_limit":            hclspec.Attr("cpu_hard_limit", "bool"),
	"cpu_cfs_period":            hclspec.AttrOr("cpu_cfs_period", "number", "100000"),
	"cpuset_cpus":               hclspec.Attr("cpuset_cpus", "string"),
	"dns_search_domains":        hclspec.Attr("dns_search_domains", "list(string)"),
	"dns_options":               hclspec.Attr("dns_options", "list(string)"),
	"dns_servers":               hclspec.Attr("dns_servers", "list(string)"),
	"entrypoint":                hclspec.Attr("entrypoint", "list(string)"),
	"extra_hosts":               hclspec.Attr("extra_hosts", "list(string)"),
	"force_pull":                hclspec.Attr("force_pull", "bool"),
	"group_add":                 hclspec.Attr("group_add", "list(string)"),
	"hostname":                  hclspec.Attr("hostname", "string"),
	"init":                      hclspec.Attr("init", "bool"),
	"interactive":               hclspec.Attr("interactive", "bool"),
	"ipc_mode":                  hclspec.Attr("ipc_mode", "string"),
	"ipv4_address":              hclspec.Attr("ipv4_address", "string"),
	"ipv6_address":              hclspec.Attr("ipv6_address", "string"),
	"isolation":                 hclspec.Attr("isolation", "string"),
	"labels":                    hclspec.Attr("labels", "list(map(string))"),
	"load":                      hclspec.Attr("load", "string"),
	"mac_address":               hclspec.Attr("mac_address", "string"),
	"memory_hard_limit":         hclspec.Attr("memory_hard_limit", "number"),
	"network_aliases":           hclspec.Attr("network_aliases", "list(string)"),
	"network_mode":              hclspec.Attr("network_mode", "string"),
	"oom_score_adj":             hclspec.Attr("oom_score_adj", "number"),
	"pid_mode":                  hclspec.Attr("pid_mode", "string"),
	"pids_limit":                hclspec.Attr("pids_limit", "number"),
	"port_map":                  hclspec.Attr("port_map", "list(map(number))"),
	"ports":                     hclspec.Attr("ports", "list(string)"),
	"privileged":                hclspec.Attr("privileged", "bool"),
	"image_pull_timeout":        hclspec.Attr("image_pull_timeout", "string"),
	"readonly_rootfs":           hclspec.Attr("readonly_rootfs", "bool"),
	"runtime":                   hclspec.Attr("runtime", "string"),
	"security_opt":              hclspec.Attr("security_opt", "list(string)"),
	"shm_size":                  hclspec.Attr("shm_size", "number"),
	"storage_opt":               hclspec.BlockAttrs("storage_opt", "string", false),
	"sysctl":                    hclspec.Attr("sysctl", "list(map(string))"),
	"tty":                       hclspec.Attr("tty", "bool"),
	"ulimit":                    hclspec.Attr("ulimit", "list(map(string))"),
	"userns_mode":               hclspec.Attr("userns_mode", "string"),
	"uts_mode":                  hclspec.Attr("uts_mode", "string"),
	"volumes":                   hclspec.Attr("volumes", "list(string)"),
	"volume_driver":             hclspec.Attr("volume_driver", "string"),
	"work_dir":                  hclspec.Attr("work_dir", "string"),
	"auth": hclspec.Block("auth", hclspec.Object(hclspec.Fields{
		"username":       hclspec.Attr("username", "string"),
		"password":       hclspec.Attr("password", "string"),
		"email":          hclspec.Attr("email", "string"),
		"server_address": hclspec.Attr("server_address", "string"),
	})),
	"devices": hclspec.BlockList("devices", hclspec.Object(hclspec.Fields{
		"host_path":          hclspec.Attr("host_path", "string"),
		"container_path":     hclspec.Attr("container_path", "string"),
		"cgroup_permissions": hclspec.Attr("cgroup_permissions", "string"),
	})),
	"healthchecks": hclspec.Block("healthchecks", hclspec.Object(hclspec.Fields{
		"disable": hclspec.Attr("disable", "bool"),
	})),
	"logging": hclspec.Block("logging", hclspec.Object(hclspec.Fields{
		"type":   hclspec.Attr("type", "string"),
		"driver": hclspec.Attr("driver", "string"),
		"config": hclspec.Attr("config", "list(map(string))"),
	})),
	"mount":  hclspec.BlockList("mount", mountSchema),
	"mounts": hclspec.BlockList("mounts", mountSchema),
})

var mountSchema = hclspec.Object(hclspec.Fields{
	"type":     hclspec.AttrOr("type", "string", `"volume"`),
	"target":   hclspec.Attr("target", "string"),
	"source":   hclspec.Attr("source", "string"),
	"readonly": hclspec.Attr("readonly", "bool"),
	"bind_options": hclspec.Block("bind_options", hclspec.Object(hclspec.Fields{
		"propagation": hclspec.Attr("propagation", "string"),
	})),
	"tmpfs_options": hclspec.Block("tmpfs_options", hclspec.Object(hclspec.Fields{
		"size": hclspec.Attr("size", "number"),
		"mode": hclspec.Attr("mode", "number"),
	})),
	"volume_options": hclspec.Block("volume_options", hclspec.Object(hclspec.Fields{
		"no_copy": hclspec.Attr("no_copy", "bool"),
		"labels":  hclspec.Attr("labels", "list(map(string))"),
		"driver_config": hclspec.Block("driver_config", hclspec.Object(hclspec.Fields{
			"name":    hclspec.Attr("name", "string"),
			"options": hclspec.Attr("options", "list(map(string))"),
		})),
	})),
})
