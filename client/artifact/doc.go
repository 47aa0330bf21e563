// SPDX-License-Identifier: MPL-2.0

// Package artifact downloads the artifacts of tasks (runtime.md 5.2) with go-getter.
//
// The download runs in a child process: this binary again, started with Verb. The child takes a fresh staging
// directory beside the task's, parts from the file system of the host as far as the kernel lets it, becomes an
// unprivileged user and only then opens the first connection. The agent moves what the child left into
// the task's directory itself, through held directories, so that neither the child nor a task decides where
// files end up; a download that fails leaves nothing there. The package knows nothing of tasks' lives.
package artifact
