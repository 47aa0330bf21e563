// SPDX-License-Identifier: MPL-2.0

package wire

// Signal is the body of KindSignal and KindStop.
type Signal struct {
	// Number is the signal; for KindStop 0 means to kill at once.
	Number int
	// Grace is how long KindStop waits before it kills, in nanoseconds.
	Grace int64
}

// Encode returns the wire form of s.
func (s *Signal) Encode() []byte {
	var e Encoder
	e.Int(1, int64(s.Number))
	e.Int(2, s.Grace)
	return e.Encoded()
}

// DecodeSignal is the inverse of Signal.Encode.
func DecodeSignal(b []byte) (*Signal, error) {
	s := &Signal{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			s.Number = int(d.Int())
		case 2:
			s.Grace = d.Int()
		}
	}
	return s, d.Err()
}

// Done is the outcome of a request; Error is empty if it succeeded.
type Done struct {
	Errno int
	Error string
	// PID is the process that KindExec started.
	PID int
}

// Encode returns the wire form of x.
func (x *Done) Encode() []byte {
	var e Encoder
	e.Int(1, int64(x.Errno))
	e.String(2, x.Error)
	e.Int(3, int64(x.PID))
	return e.Encoded()
}

// DecodeDone is the inverse of Done.Encode.
func DecodeDone(b []byte) (*Done, error) {
	x := &Done{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Errno = int(d.Int())
		case 2:
			x.Error = d.String()
		case 3:
			x.PID = int(d.Int())
		}
	}
	return x, d.Err()
}

// Info is what a shim tells about itself and its task.
type Info struct {
	Version       int
	PID           int
	StartTime     int64
	ShimPID       int
	ShimStartTime int64
	At            int64
	Stopping      bool
	LogDropped    int64
	LogErrno      int
}

// Encode returns the wire form of x.
func (x *Info) Encode() []byte {
	var e Encoder
	e.Int(1, int64(x.Version))
	e.Int(2, int64(x.PID))
	e.Int(3, x.StartTime)
	e.Int(4, int64(x.ShimPID))
	e.Int(5, x.ShimStartTime)
	e.Int(6, x.At)
	e.Bool(7, x.Stopping)
	e.Int(8, x.LogDropped)
	e.Int(9, int64(x.LogErrno))
	return e.Encoded()
}

// DecodeInfo is the inverse of Info.Encode.
func DecodeInfo(b []byte) (*Info, error) {
	x := &Info{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Version = int(d.Int())
		case 2:
			x.PID = int(d.Int())
		case 3:
			x.StartTime = d.Int()
		case 4:
			x.ShimPID = int(d.Int())
		case 5:
			x.ShimStartTime = d.Int()
		case 6:
			x.At = d.Int()
		case 7:
			x.Stopping = d.Bool()
		case 8:
			x.LogDropped = d.Int()
		case 9:
			x.LogErrno = int(d.Int())
		}
	}
	return x, d.Err()
}

// Exec is the body of KindExec.
type Exec struct {
	// Path is the absolute path of the program, Args its argument list.
	Path string
	Args []string
	// Env is added to the environment of the task.
	Env []string
	// TTY asks for a terminal, of the given size if it is not zero.
	TTY           bool
	Width, Height int
	// Merged asks for one output, in the order in which both are written.
	Merged bool
}

// Encode returns the wire form of x.
func (x *Exec) Encode() []byte {
	var e Encoder
	e.String(1, x.Path)
	e.Strings(2, x.Args)
	e.Strings(3, x.Env)
	e.Bool(4, x.TTY)
	e.Int(5, int64(x.Width))
	e.Int(6, int64(x.Height))
	e.Bool(7, x.Merged)
	return e.Encoded()
}

// DecodeExec is the inverse of Exec.Encode.
func DecodeExec(b []byte) (*Exec, error) {
	x := &Exec{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Path = d.String()
		case 2:
			x.Args = append(x.Args, d.String())
		case 3:
			x.Env = append(x.Env, d.String())
		case 4:
			x.TTY = d.Bool()
		case 5:
			x.Width = int(d.Int())
		case 6:
			x.Height = int(d.Int())
		case 7:
			x.Merged = d.Bool()
		}
	}
	return x, d.Err()
}

// Size is the body of KindResize.
type Size struct {
	Width, Height int
}

// Encode returns the wire form of x.
func (x *Size) Encode() []byte {
	var e Encoder
	e.Int(1, int64(x.Width))
	e.Int(2, int64(x.Height))
	return e.Encoded()
}

// DecodeSize is the inverse of Size.Encode.
func DecodeSize(b []byte) (*Size, error) {
	x := &Size{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Width = int(d.Int())
		case 2:
			x.Height = int(d.Int())
		}
	}
	return x, d.Err()
}

// ExecExit is how a command beside the task ended.
type ExecExit struct {
	// Code is the exit code, 128 plus the signal if one ended the command.
	Code   int
	Signal int
}

// Encode returns the wire form of x.
func (x *ExecExit) Encode() []byte {
	var e Encoder
	e.Int(1, int64(x.Code))
	e.Int(2, int64(x.Signal))
	return e.Encoded()
}

// DecodeExecExit is the inverse of ExecExit.Encode.
func DecodeExecExit(b []byte) (*ExecExit, error) {
	x := &ExecExit{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Code = int(d.Int())
		case 2:
			x.Signal = int(d.Int())
		}
	}
	return x, d.Err()
}
