// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/moby/moby/api/types/common"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// endpointMAC is the first version of the engine's API in which a hardware
// address belongs to the place in a network.
const endpointMAC = "1.44"

// createContainer creates a container. Older engines look for its hardware
// address where the client has no field for it any more, and pass over the new
// one without a word; for them the call is made here.
func createContainer(ctx context.Context, engine *client.Client, options client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	mac := ""
	if options.NetworkingConfig != nil {
		for _, place := range options.NetworkingConfig.EndpointsConfig {
			mac = place.MacAddress.String()
		}
	}
	if mac == "" || !versions.LessThan(engine.ClientVersion(), endpointMAC) {
		return engine.ContainerCreate(ctx, options)
	}
	body, err := json.Marshal(struct {
		container.CreateRequest
		MacAddress string
	}{
		container.CreateRequest{Config: options.Config, HostConfig: options.HostConfig, NetworkingConfig: options.NetworkingConfig}, mac,
	})
	if err != nil {
		return client.ContainerCreateResult{}, err
	}
	dial := engine.Dialer()
	caller := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}}
	where := fmt.Sprintf("http://docker/v%s/containers/create?name=%s", engine.ClientVersion(), url.QueryEscape(options.Name))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, where, bytes.NewReader(body))
	if err != nil {
		return client.ContainerCreateResult{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := caller.Do(request)
	if err != nil {
		return client.ContainerCreateResult{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return client.ContainerCreateResult{}, err
	}
	if answer.StatusCode != http.StatusCreated {
		var refusal common.ErrorResponse
		if json.Unmarshal(text, &refusal) != nil || refusal.Message == "" {
			refusal.Message = strings.TrimSpace(string(text))
		}
		return client.ContainerCreateResult{}, fmt.Errorf("Error response from daemon: %s%w", refusal.Message, silent{errhttp.ToNative(answer.StatusCode)})
	}
	var created container.CreateResponse
	err = json.Unmarshal(text, &created)
	return client.ContainerCreateResult{ID: created.ID, Warnings: created.Warnings}, err
}

// silent is the class of an error without its text.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }
