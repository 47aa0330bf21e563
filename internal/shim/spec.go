// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
)

// Spec describes a task to be started.
type Spec struct {
	// TaskID names the task in messages and in the list of processes.
	TaskID string

	// Place is the directory for the shim's socket and records. It must not
	// exist; its parent must.
	Place Place

	// Path is the absolute path of the program, Args its arguments without
	// the program's own name, Env its whole environment, "KEY=value".
	Path string
	Args []string
	Env  []string

	// WorkDir is the absolute working directory.
	WorkDir string

	// User is whom to run as; nil means the caller's own user.
	User *User

	// OOMScoreAdj is the task's score; nil means the inherited one.
	OOMScoreAdj *int

	// NetNS is the path of a network namespace to run in; empty means the
	// caller's.
	NetNS string

	// Cgroup says which control groups to run in.
	Cgroup cgroup.Group

	// Root, if not nil, is a file system of the task's own, on Linux. Path, if
	// set, then names the program in messages only, and WorkDir is inside.
	Root *Root

	// Logs says what becomes of the output.
	Logs Logs

	// StopSignal and StopGrace end the task when the shim itself is asked to
	// terminate, as when the machine shuts down.
	StopSignal syscall.Signal
	StopGrace  time.Duration

	// Marks are entries of Env that no other task has, all together. Should the
	// shim be killed, they tell which processes without a parent were its.
	Marks []string

	// Messages, if not nil, takes what the shim has to say. It is not closed.
	Messages interface{ Fd() uintptr }
}

// User is a user by number.
type User struct {
	UID, GID int
	Groups   []int
}

// Place is a directory that is reached from a trusted one through names that
// are looked up without following links. A place survives in driver state.
type Place struct {
	Base  string   `codec:"base" json:"base"`
	Names []string `codec:"names" json:"names"`
}

// Logs says what becomes of a task's output. The zero value throws it away.
type Logs struct {
	// Files stores it in numbered files.
	Files *LogFiles
	// Pipes copies it into two named pipes, standard output first. It is
	// ignored if Files is set.
	Pipes []string
}

// LogFiles are numbered files as written by package rotate.
type LogFiles struct {
	// Dir is the log directory.
	Dir Place
	// StdoutPrefix and StderrPrefix are the names before the number.
	StdoutPrefix string
	StderrPrefix string
	MaxFiles     int
	MaxFileSize  int64
}

// State is what Attach needs to find a task again. It is small and is meant to
// be stored in a driver's state.
type State struct {
	// Version is the control protocol that the shim speaks.
	Version int   `codec:"version" json:"version"`
	Place   Place `codec:"place" json:"place"`
	// BootID tells whether the process numbers mean anything any more.
	BootID string `codec:"boot_id" json:"boot_id"`
	// ShimPID and PID are process numbers, the start times identify them.
	ShimPID       int   `codec:"shim_pid" json:"shim_pid"`
	ShimStartTime int64 `codec:"shim_start_time" json:"shim_start_time"`
	PID           int   `codec:"pid" json:"pid"`
	StartTime     int64 `codec:"start_time" json:"start_time"`
	// StartedAt is when the task started, in nanoseconds since 1970.
	StartedAt int64 `codec:"started_at" json:"started_at"`
	// Cgroup are the control groups that the task runs in.
	Cgroup cgroup.Group `codec:"cgroup" json:"cgroup"`
	// Marks are those of the Spec.
	Marks []string `codec:"marks" json:"marks,omitempty"`
}

// Exit is how a task ended.
type Exit struct {
	// Code is the exit code; 128 plus the signal if one ended the task.
	Code int
	// Signal is the signal that ended it, or 0.
	Signal int
	// OOMKilled is true if the kernel ended it for want of memory.
	OOMKilled bool
	// At is when it ended.
	At time.Time
	// LogDropped is how many bytes of output could not be stored and LogErr
	// the last reason.
	LogDropped int64
	LogErr     error
	// Err is ErrLost if nobody saw how the task ended.
	Err error
}

// Command is a program to run beside a task, as the same user and in the same
// control groups and network.
type Command struct {
	// Path is the absolute path of the program, Args its arguments without
	// the program's own name.
	Path string
	Args []string
	// Env is added to the environment of the task.
	Env []string

	// TTY gives it a terminal of the given size; all output then goes to
	// Stdout.
	TTY           bool
	Width, Height int

	// Stdin, if not nil, is read until it ends, which closes the input of the
	// command. Exec does not wait for a Read that is under way when the
	// command has ended.
	Stdin io.Reader
	// Stdout and Stderr, if not nil, take the output.
	Stdout, Stderr io.Writer
	// Merged sends all of the output to Stdout, in the order in which the command writes it. The shim of a task
	// that an older version started does not know that: what comes of standard error still goes to Stderr.
	Merged bool
	// Resize, if not nil, delivers new sizes of the terminal.
	Resize <-chan Size
}

// Size is the size of a terminal in characters.
type Size struct {
	Width, Height int
}

// Errors of this package; test with errors.Is.
var (
	// ErrUnsupported says that there are no shims on this system.
	ErrUnsupported = errors.New("running tasks is not supported on this operating system")
	// ErrNotFound says that nothing is left by which to find a task again.
	ErrNotFound = errors.New("the task cannot be found")
	// ErrLost says that the shim was killed, which ends its task too, so that
	// nobody saw how that ended.
	ErrLost = errors.New("the supervisor of the task was killed and the task with it")
	// ErrExited says that the task has ended already.
	ErrExited = errors.New("the task has ended")
	// ErrRunning says that the task has not ended yet.
	ErrRunning = errors.New("the task is running")
)

// StartError says why there is no task.
type StartError struct {
	// Exec is true if the program itself could not be executed, false if
	// something around it failed.
	Exec bool
	// Errno is the system's reason, or 0.
	Errno   syscall.Errno
	Message string
}

// Error says what failed and why.
func (e *StartError) Error() string { return e.Message }

// Unwrap returns the system's reason, so that errors.Is finds fs.ErrNotExist
// and the like.
func (e *StartError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}
