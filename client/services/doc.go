// SPDX-License-Identifier: MPL-2.0

// Package services keeps what servers know of the services that run on a client, and runs the checks of
// those services (runtime.md 7).
//
// The Registry is level-triggered: allocations say what they offer now, and one goroutine makes the servers
// have exactly that, however often calls fail. Registrations and Checks translate the service blocks of a
// job; Monitor runs the checks of one allocation. The package knows nothing of how tasks are run, and
// nothing of servers but the one operation it calls.
package services
