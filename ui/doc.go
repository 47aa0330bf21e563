// SPDX-License-Identifier: MPL-2.0

// Package ui holds the web interface and serves it below /ui/. The interface is a program of its own in
// src/ that talks to the HTTP API like any other client; what is served here are its built files from
// dist/, which is committed so that building the agent needs no Node. The build tag noui leaves it out.
//
// This package imports the standard library only.
package ui

//go:generate go run ./gen src/api
