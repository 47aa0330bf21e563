// SPDX-License-Identifier: MPL-2.0

// Package agent composes an agent from one configuration: server, client, HTTP API and web interface in
// one process. It is the only package that knows both the server and the client.
package agent
