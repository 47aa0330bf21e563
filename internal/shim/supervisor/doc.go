// SPDX-License-Identifier: MPL-2.0

// Package supervisor is the shim: the one process that stands behind a running
// task. It starts the task, stores its output, answers requests on a socket,
// and writes down how the task ended before it leaves.
//
// One goroutine, the owner, holds all state, forks and collects every child;
// goroutines that serve a connection or copy output reach it by handing it
// functions to run. So a signal can never go to a process number that was
// collected meanwhile.
//
// With CollectVariable in its environment the process stands behind no task: it
// stores what others write into two pipes.
//
// There is one such process for each task of a machine, so memory decides what
// may be imported: no formatted printing, no reflection, no package net. The
// working directory of the process is its state directory, which is how names
// in there stay short and cannot be redirected.
package supervisor
