// SPDX-License-Identifier: MPL-2.0

package taskenv

import (
	"os"
	"strings"
)

// DefaultDenylist are the variables of the agent that tasks never inherit unless the client option
// env.denylist says otherwise (agent-config.md 4.2).
var DefaultDenylist = []string{
	"CONSUL_TOKEN", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "NOMAD_TOKEN", "VAULT_TOKEN",
	"CONSUL_LICENSE", "NOMAD_LICENSE", "VAULT_LICENSE",
	"CONSUL_LICENSE_PATH", "NOMAD_LICENSE_PATH", "VAULT_LICENSE_PATH",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_METADATA_URL",
	"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN",
}

// HostEnv returns the environment of this process without the denied names. What systemd tells the
// agent about itself, and what makes a process believe it is a plugin, is not for tasks either.
func HostEnv(denylist []string) map[string]string {
	return filterEnv(os.Environ(), denylist)
}

func filterEnv(environ, denylist []string) map[string]string {
	denied := map[string]bool{"NOTIFY_SOCKET": true, "NOMAD_PLUGIN_MAGIC_COOKIE": true}
	for _, name := range denylist {
		denied[strings.TrimSpace(name)] = true
	}
	env := make(map[string]string, len(environ))
	for _, kv := range environ {
		// Windows has names that start with "=".
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" || denied[name] {
			continue
		}
		env[name] = value
	}
	return env
}
