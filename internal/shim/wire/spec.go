// SPDX-License-Identifier: MPL-2.0

package wire

// Version is the version of the control protocol and of the exit record that
// this build speaks. It grows only when a peer must know the difference; added
// fields and frame kinds do not count.
const Version = 1

// LogMode says where a shim sends the output of its task.
type LogMode int

// The log modes.
const (
	// LogDiscard gives the task the null device.
	LogDiscard LogMode = 0
	// LogRotate writes numbered files into the directory of descriptor FDLogs.
	LogRotate LogMode = 1
	// LogCopy copies into the pipes of descriptors FDLogs and FDLogs+1.
	LogCopy LogMode = 2
)

// Descriptors that a shim inherits. Everything that lies in a directory a task
// may write to is handed over open, so a shim never resolves such a path.
const (
	// FDSpec delivers the encoded Spec, up to end of file.
	FDSpec = 3
	// FDReport takes the encoded Started; its reader waits for end of file.
	FDReport = 4
	// FDState is the directory of the control socket and the exit record.
	FDState = 5
	// FDLogs is the log directory, or the first of two pipes (see LogMode).
	FDLogs = 6
)

// Names in the state directory.
const (
	// SocketName is the control socket.
	SocketName = "ctl"
	// RecordName is the exit record; it appears complete or not at all.
	RecordName = "exit"
	// DraftName holds the room that is set aside for the exit record.
	DraftName = "exit.tmp"
)

// Spec is all that a shim needs to know about its task.
type Spec struct {
	// TaskID is only used for messages.
	TaskID string
	// Path is the absolute path of the program.
	Path string
	// Args is the argument list, the program's own name first.
	Args []string
	// Env is the complete environment, "KEY=value".
	Env []string
	// WorkDir is the absolute working directory.
	WorkDir string

	// SwitchUser asks for UID, GID and Groups instead of the shim's own.
	SwitchUser bool
	UID, GID   int
	Groups     []int

	// AdjustOOM asks for OOMScoreAdj instead of the inherited value.
	AdjustOOM   bool
	OOMScoreAdj int

	// NetNS is the path of a network namespace to join.
	NetNS string

	// CgroupV2 is the directory of the unified cgroup to start in.
	CgroupV2 string
	// CgroupV1 are the directories of version 1 cgroups to start in.
	CgroupV1 []string
	// CgroupRequired turns failing to join one into a start error.
	CgroupRequired bool
	// CgroupOwned is the cgroup that holds this task and nothing else (a
	// unified or a freezer directory): whatever is in it dies with the task.
	CgroupOwned string
	// CgroupMemory is the directory whose kernel out-of-memory counter is read.
	CgroupMemory string

	// Logs and the fields below say what becomes of the output.
	Logs         LogMode
	StdoutPrefix string
	StderrPrefix string
	MaxFiles     int
	MaxFileSize  int64

	// Root, if not nil, is a root of its own; WorkDir and Path are then inside.
	Root *Root

	// StopSignal is sent when the shim itself is asked to terminate.
	StopSignal int
	// StopGrace is how long the task then has, in nanoseconds.
	StopGrace int64
}

// Owner is the user and the group of the task as the host numbers them.
func (s *Spec) Owner() (uid, gid int) {
	if s.Root != nil {
		return s.Root.FirstID + s.UID, s.Root.FirstID + s.GID
	}
	return s.UID, s.GID
}

// Encode returns the wire form of s.
func (s *Spec) Encode() []byte {
	var e Encoder
	e.String(1, s.TaskID)
	e.String(2, s.Path)
	e.Strings(3, s.Args)
	e.Strings(4, s.Env)
	e.String(5, s.WorkDir)
	e.Bool(6, s.SwitchUser)
	e.Int(7, int64(s.UID))
	e.Int(8, int64(s.GID))
	for _, g := range s.Groups {
		e.Number(9, int64(g))
	}
	e.Bool(10, s.AdjustOOM)
	e.Int(11, int64(s.OOMScoreAdj))
	e.String(12, s.NetNS)
	e.String(13, s.CgroupV2)
	e.Strings(14, s.CgroupV1)
	e.Bool(15, s.CgroupRequired)
	e.String(16, s.CgroupOwned)
	e.String(17, s.CgroupMemory)
	e.Int(18, int64(s.Logs))
	e.String(19, s.StdoutPrefix)
	e.String(20, s.StderrPrefix)
	e.Int(21, int64(s.MaxFiles))
	e.Int(22, s.MaxFileSize)
	e.Int(23, int64(s.StopSignal))
	e.Int(24, s.StopGrace)
	if s.Root != nil {
		e.Bytes(25, s.Root.Encode())
	}
	return e.Encoded()
}

// DecodeSpec is the inverse of Spec.Encode.
func DecodeSpec(b []byte) (*Spec, error) {
	s := &Spec{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			s.TaskID = d.String()
		case 2:
			s.Path = d.String()
		case 3:
			s.Args = append(s.Args, d.String())
		case 4:
			s.Env = append(s.Env, d.String())
		case 5:
			s.WorkDir = d.String()
		case 6:
			s.SwitchUser = d.Bool()
		case 7:
			s.UID = int(d.Int())
		case 8:
			s.GID = int(d.Int())
		case 9:
			s.Groups = append(s.Groups, int(d.Int()))
		case 10:
			s.AdjustOOM = d.Bool()
		case 11:
			s.OOMScoreAdj = int(d.Int())
		case 12:
			s.NetNS = d.String()
		case 13:
			s.CgroupV2 = d.String()
		case 14:
			s.CgroupV1 = append(s.CgroupV1, d.String())
		case 15:
			s.CgroupRequired = d.Bool()
		case 16:
			s.CgroupOwned = d.String()
		case 17:
			s.CgroupMemory = d.String()
		case 18:
			s.Logs = LogMode(d.Int())
		case 19:
			s.StdoutPrefix = d.String()
		case 20:
			s.StderrPrefix = d.String()
		case 21:
			s.MaxFiles = int(d.Int())
		case 22:
			s.MaxFileSize = d.Int()
		case 23:
			s.StopSignal = int(d.Int())
		case 24:
			s.StopGrace = d.Int()
		case 25:
			var err error
			if s.Root, err = DecodeRoot(d.Bytes()); err != nil {
				return nil, err
			}
		}
	}
	return s, d.Err()
}

// Stage says how far a start got before it failed.
type Stage int

// The stages of a start.
const (
	// StageSetup is everything before the program is executed.
	StageSetup Stage = 1
	// StageExec is the execution of the program itself.
	StageExec Stage = 2
)

// Started is the one answer of a shim to its specification.
type Started struct {
	// Version is the shim's protocol version.
	Version int
	// PID and StartTime identify the task (see package proc for StartTime).
	PID       int
	StartTime int64
	// ShimStartTime identifies the shim itself.
	ShimStartTime int64
	// At is when the task started, in nanoseconds since 1970.
	At int64
	// Warnings are things done without, such as a cgroup that refused.
	Warnings []string
	// Stage, Errno and Error are set if there is no task.
	Stage Stage
	Errno int
	Error string
}

// Encode returns the wire form of s.
func (s *Started) Encode() []byte {
	var e Encoder
	e.Int(1, int64(s.Version))
	e.Int(2, int64(s.PID))
	e.Int(3, s.StartTime)
	e.Int(4, s.ShimStartTime)
	e.Int(5, s.At)
	e.Strings(6, s.Warnings)
	e.Int(7, int64(s.Stage))
	e.Int(8, int64(s.Errno))
	e.String(9, s.Error)
	return e.Encoded()
}

// DecodeStarted is the inverse of Started.Encode.
func DecodeStarted(b []byte) (*Started, error) {
	s := &Started{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			s.Version = int(d.Int())
		case 2:
			s.PID = int(d.Int())
		case 3:
			s.StartTime = d.Int()
		case 4:
			s.ShimStartTime = d.Int()
		case 5:
			s.At = d.Int()
		case 6:
			s.Warnings = append(s.Warnings, d.String())
		case 7:
			s.Stage = Stage(d.Int())
		case 8:
			s.Errno = int(d.Int())
		case 9:
			s.Error = d.String()
		}
	}
	return s, d.Err()
}
