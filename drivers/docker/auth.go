// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
)

// helperTimeout bounds a credential helper.
const helperTimeout = 30 * time.Second

// The names that the public registry goes by in files and helpers.
const (
	publicDomain = "docker.io"
	publicServer = "https://index.docker.io/v1/"
)

// authFor finds the credentials for an image in encoded form, empty if there
// are none: those of the task, of the file, of the helper.
func authFor(ctx context.Context, image reference.Named, task *taskConfig, plugin *pluginConfig) (string, error) {
	auth, err := findAuth(ctx, reference.Domain(image), task, plugin)
	if err != nil {
		if task.AuthSoftFail {
			return "", nil
		}
		return "", fmt.Errorf("find credentials for image %q: %w", image, err)
	}
	if auth == nil {
		return "", nil
	}
	return authconfig.Encode(*auth)
}

func findAuth(ctx context.Context, domain string, task *taskConfig, plugin *pluginConfig) (*registry.AuthConfig, error) {
	if a := task.Auth; a.Username != "" || a.Password != "" {
		return &registry.AuthConfig{Username: a.Username, Password: a.Password, ServerAddress: a.ServerAddress}, nil
	}
	if plugin.Auth.Config != "" {
		auth, err := authFromFile(ctx, plugin.Auth.Config, domain)
		if auth != nil || err != nil {
			return auth, err
		}
	}
	if plugin.Auth.Helper != "" {
		return authFromHelper(ctx, plugin.Auth.Helper, domain)
	}
	return nil, nil
}

// authFile is the part of a docker config.json that is about credentials.
type authFile struct {
	Auths map[string]struct {
		Auth          string `json:"auth"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
		RegistryToken string `json:"registrytoken"`
	} `json:"auths"`
	CredsStore  string            `json:"credsStore"`
	CredHelpers map[string]string `json:"credHelpers"`
}

func authFromFile(ctx context.Context, path, domain string) (*registry.AuthConfig, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file authFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for server, entry := range file.Auths {
		if domainOf(server) != domain {
			continue
		}
		auth := &registry.AuthConfig{
			Username: entry.Username, Password: entry.Password, ServerAddress: server,
			IdentityToken: entry.IdentityToken, RegistryToken: entry.RegistryToken,
		}
		if entry.Auth != "" {
			decoded, err := base64.StdEncoding.DecodeString(entry.Auth)
			user, password, ok := strings.Cut(string(decoded), ":")
			if err != nil || !ok {
				return nil, fmt.Errorf("read %s: the entry of %s is not base64 of user:password", path, server)
			}
			auth.Username, auth.Password = user, strings.TrimRight(password, "\x00")
		}
		if auth.Username != "" || auth.IdentityToken != "" || auth.RegistryToken != "" {
			return auth, nil
		}
	}
	for server, helper := range file.CredHelpers {
		if domainOf(server) == domain {
			return authFromHelper(ctx, helper, domain)
		}
	}
	if file.CredsStore != "" {
		return authFromHelper(ctx, file.CredsStore, domain)
	}
	return nil, nil
}

// domainOf returns the registry that an entry is for, however it is spelled.
func domainOf(server string) string {
	server = strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	server, _, _ = strings.Cut(server, "/")
	if server == "index.docker.io" || server == "registry-1.docker.io" {
		return publicDomain
	}
	return server
}

// authFromHelper asks a docker-credential-<name> program. It returns nil if that
// has nothing for the registry.
func authFromHelper(ctx context.Context, name, domain string) (*registry.AuthConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	server := domain
	if domain == publicDomain {
		server = publicServer
	}
	cmd := exec.CommandContext(ctx, "docker-credential-"+name, "get")
	cmd.Stdin = strings.NewReader(server)
	cmd.WaitDelay = time.Second
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		said := strings.TrimSpace(out.String() + messages.String())
		if strings.Contains(said, "credentials not found") {
			return nil, nil
		}
		return nil, fmt.Errorf("run docker-credential-%s: %w: %s", name, err, said)
	}
	var answer struct{ ServerURL, Username, Secret string }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("read the answer of docker-credential-%s: %w", name, err)
	}
	switch {
	case answer.Username == "" && answer.Secret == "":
		return nil, nil
	case answer.Username == "" || answer.Secret == "":
		return nil, errors.New("docker-credential-" + name + " answered without a user or without a secret")
	case answer.Username == "<token>":
		return &registry.AuthConfig{IdentityToken: answer.Secret, ServerAddress: server}, nil
	}
	return &registry.AuthConfig{Username: answer.Username, Password: answer.Secret, ServerAddress: server}, nil
}
