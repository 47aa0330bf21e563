// SPDX-License-Identifier: MPL-2.0

package wire

// FDRoot is the first of the directories that Entry.Dir counts from. They follow
// the descriptors of the logs, whether or not those are used.
const FDRoot = 8

// IDCount is how many users and groups there are in a user namespace of a task.
const IDCount = 1 << 16

// EntryKind says what an Entry does.
type EntryKind int

// The kinds of entries.
const (
	// EntryBind shows a file or directory of the host.
	EntryBind EntryKind = 1
	// EntryMount mounts a file system of type Source with Options.
	EntryMount EntryKind = 2
	// EntryLink makes a symbolic link to Source.
	EntryLink EntryKind = 3
	// EntryHide covers what there is with nothing.
	EntryHide EntryKind = 4
	// EntryLock makes what there is read-only.
	EntryLock EntryKind = 5
)

// Entry is one thing that a task sees in its root.
type Entry struct {
	Kind EntryKind
	// Target is the absolute path inside the root.
	Target string
	// Source is a path of the host, a type or the text of a link.
	Source string
	// Dir, if not 0, is the number of an open directory in place of Source,
	// counted from 1.
	Dir int
	// Options are those of a mount, such as "mode=1777,size=1m".
	Options string
	// ReadOnly, NoExec and Devices change the mount; without Devices no device
	// node in it works.
	ReadOnly bool
	NoExec   bool
	Devices  bool
	// Optional leaves out what the host does not have.
	Optional bool
	// Propagation is "private", "slave" or "shared"; empty means private.
	Propagation string
	// Mapped shows the owners of files with the numbers of the task's user namespace, if it has one.
	Mapped bool
	// Tree is the number, counted from 1, by which the shim hands over what it took of the host for the entry.
	Tree int
}

// Root is a file system of its own for a task, and what else keeps the task
// apart from the machine.
type Root struct {
	// Dirs is how many directories are handed over. The first one is the root
	// itself, in which the entries are placed in order.
	Dirs    int
	Entries []Entry
	// NoPivot moves the root into place where the kernel cannot pivot, as on a
	// machine that runs from its memory.
	NoPivot bool

	// PrivatePID and PrivateIPC ask for namespaces.
	PrivatePID bool
	PrivateIPC bool
	// FirstID, if not 0, asks for a user namespace whose numbers from 0 on are those of the host from FirstID on,
	// IDCount of them.
	FirstID int
	// HostName, if not empty, is how the task calls the machine, instead of as the host does.
	HostName string

	// Find lists the paths inside the root at which the program is looked for.
	// Those up to Fetched may be made executable.
	Find    []string
	Fetched int

	// The capabilities of the task, one bit each.
	Bounding    uint64
	Permitted   uint64
	Inheritable uint64
	Ambient     uint64
	// NoNewPrivs keeps programs from gaining any.
	NoNewPrivs bool
	// Filter is a program for the kernel's filter of system calls.
	Filter []byte
}

func (x *Entry) encode() []byte {
	var e Encoder
	e.Int(1, int64(x.Kind))
	e.String(2, x.Target)
	e.String(3, x.Source)
	e.Int(4, int64(x.Dir))
	e.String(5, x.Options)
	e.Bool(6, x.ReadOnly)
	e.Bool(7, x.NoExec)
	e.Bool(8, x.Devices)
	e.Bool(9, x.Optional)
	e.String(10, x.Propagation)
	e.Bool(11, x.Mapped)
	e.Int(12, int64(x.Tree))
	return e.Encoded()
}

func decodeEntry(b []byte) (Entry, error) {
	var x Entry
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			x.Kind = EntryKind(d.Int())
		case 2:
			x.Target = d.String()
		case 3:
			x.Source = d.String()
		case 4:
			x.Dir = int(d.Int())
		case 5:
			x.Options = d.String()
		case 6:
			x.ReadOnly = d.Bool()
		case 7:
			x.NoExec = d.Bool()
		case 8:
			x.Devices = d.Bool()
		case 9:
			x.Optional = d.Bool()
		case 10:
			x.Propagation = d.String()
		case 11:
			x.Mapped = d.Bool()
		case 12:
			x.Tree = int(d.Int())
		}
	}
	return x, d.Err()
}

// Encode returns the wire form of r.
func (r *Root) Encode() []byte {
	var e Encoder
	e.Int(1, int64(r.Dirs))
	for i := range r.Entries {
		e.Bytes(2, r.Entries[i].encode())
	}
	e.Bool(3, r.NoPivot)
	e.Bool(4, r.PrivatePID)
	e.Bool(5, r.PrivateIPC)
	e.Strings(6, r.Find)
	e.Int(7, int64(r.Fetched))
	e.Int(8, int64(r.Bounding))
	e.Int(9, int64(r.Permitted))
	e.Int(10, int64(r.Inheritable))
	e.Int(11, int64(r.Ambient))
	e.Bool(12, r.NoNewPrivs)
	if len(r.Filter) > 0 {
		e.Bytes(13, r.Filter)
	}
	e.Int(14, int64(r.FirstID))
	e.String(15, r.HostName)
	return e.Encoded()
}

// DecodeRoot is the inverse of Root.Encode.
func DecodeRoot(b []byte) (*Root, error) {
	r := &Root{}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			r.Dirs = int(d.Int())
		case 2:
			x, err := decodeEntry(d.Bytes())
			if err != nil {
				return nil, err
			}
			r.Entries = append(r.Entries, x)
		case 3:
			r.NoPivot = d.Bool()
		case 4:
			r.PrivatePID = d.Bool()
		case 5:
			r.PrivateIPC = d.Bool()
		case 6:
			r.Find = append(r.Find, d.String())
		case 7:
			r.Fetched = int(d.Int())
		case 8:
			r.Bounding = uint64(d.Int())
		case 9:
			r.Permitted = uint64(d.Int())
		case 10:
			r.Inheritable = uint64(d.Int())
		case 11:
			r.Ambient = uint64(d.Int())
		case 12:
			r.NoNewPrivs = d.Bool()
		case 13:
			r.Filter = append([]byte(nil), d.Bytes()...)
		case 14:
			r.FirstID = int(d.Int())
		case 15:
			r.HostName = d.String()
		}
	}
	return r, d.Err()
}

// Inside is what the shim tells a process that is to become the task, or a
// command beside it, inside the root.
type Inside struct {
	// Task has the user, the program and the root.
	Task *Spec
	// Beside says that it is a command, which was started in the namespaces of the task. Otherwise the root is made anew
	// of what is handed over: the root itself, then the trees of its entries.
	Beside bool
}

// Encode returns the wire form of i.
func (i *Inside) Encode() []byte {
	var e Encoder
	e.Bytes(1, i.Task.Encode())
	e.Bool(2, i.Beside)
	return e.Encoded()
}

// DecodeInside is the inverse of Inside.Encode.
func DecodeInside(b []byte) (*Inside, error) {
	i := &Inside{Task: &Spec{}}
	d := NewDecoder(b)
	for d.Next() {
		switch d.Tag() {
		case 1:
			var err error
			if i.Task, err = DecodeSpec(d.Bytes()); err != nil {
				return nil, err
			}
		case 2:
			i.Beside = d.Bool()
		}
	}
	return i, d.Err()
}
