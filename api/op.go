// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sort"
	"strings"
	"time"
)

// Mode says where an operation runs.
type Mode uint8

// Modes.
const (
	// ModeRead runs on the leader, or on any server when the request allows stale reads; it may block.
	ModeRead Mode = iota + 1
	// ModeWrite runs on the leader.
	ModeWrite
	// ModeRegion runs on the leader of the authoritative region.
	ModeRegion
	// ModeNode runs on the client agent that owns the allocation or node of the request.
	ModeNode
	// ModeLocal runs on the agent that was asked.
	ModeLocal
	// ModeAgent runs on the agent that the request's Target names, the one that was asked when it names none.
	ModeAgent
)

// Wire is what the messages of a streaming operation look like over HTTP.
type Wire uint8

// Forms of streams over HTTP.
const (
	// WireFrames answers with StreamFrames, empty ones as heartbeats (http-api.md 6.1); a request with a true
	// Plain field gets their bytes alone.
	WireFrames Wire = iota
	// WireFile answers with the bytes of a file of a task; an error is the body of a 200.
	WireFile
	// WireDocument answers with the Chunks of one document that is complete before it is sent.
	WireDocument
	// WireDownload answers with the bytes of Chunks as they come.
	WireDownload
	// WireUpload takes the request's body as Chunks and answers nothing.
	WireUpload
	// WireEvents answers with one JSON document a line (http-api.md 19).
	WireEvents
	// WireSocket speaks the exec protocol over a websocket (http-api.md 6.3).
	WireSocket
)

// Target names the agent that a ModeNode or ModeAgent operation runs on: the one that runs an allocation, the
// client of a node, or a server (by ID or name; "leader" for the leader).
type Target struct {
	// AllocID counts when ByAlloc is set, even when it is empty, which is then refused.
	AllocID          string
	ByAlloc          bool
	NodeID, ServerID string
}

func allocTarget(id string) Target { return Target{AllocID: id, ByAlloc: true} }

// Targeted is implemented by the requests of ModeNode and ModeAgent operations.
type Targeted interface{ Target() Target }

// Reads says which of the reading conventions of http-api.md 1.9 a read operation follows.
type Reads uint16

// Reading conventions.
const (
	Blocking Reads = 1 << iota
	Stale
	Paginated
	Reversible
	Filtered
	Prefixed
	AllNamespacesList
	// AnyServer lets the server that was asked answer, whether the request allows stale reads or not: the answer
	// tells of the servers and not of their state.
	AnyServer
	// Settled has a read that may not be stale ask the other servers first whether this one still leads, so that the answer
	// has everything that was acknowledged anywhere. It is for those who end something because of what they read.
	Settled

	// ListReads is what most lists follow.
	ListReads = Blocking | Stale | Paginated | Reversible | Filtered | Prefixed
)

// Need is what a caller must be allowed to do; any one of Namespace suffices.
type Need struct {
	// Namespace capabilities in the request's namespace, such as "read-job".
	Namespace []string
	// Node, Agent, Operator, NodePool: "read" or "write" in that policy.
	Node, Agent, Operator, NodePool string
	// Management tokens only.
	Management bool
	// Internal operations are for agents of the cluster, never for HTTP callers.
	Internal bool
	// Anyone may call.
	Anyone bool
}

// RequestOptions are the parts that every request has.
type RequestOptions struct {
	Region    string
	Namespace string
	// AuthToken is the secret of the caller; it never comes from a body and is never logged.
	AuthToken string `json:"-"`
	// Forwarded is set once an agent passed the request on, so that it cannot travel in circles.
	Forwarded bool `json:"-"`
	// Authoritative is set once an agent sent the request to the authoritative region.
	Authoritative bool `json:"-"`
}

// Options returns the common part.
func (o *RequestOptions) Options() *RequestOptions { return o }

// WriteOptions are the options of a request that is not a read.
type WriteOptions struct{ RequestOptions }

// ReadOptions are the options of a read (http-api.md 1.9).
type ReadOptions struct {
	RequestOptions
	// MinIndex above 0 makes the call wait until the result index is greater, at most MaxWait.
	MinIndex uint64        `json:"-"`
	MaxWait  time.Duration `json:"-"`
	// AllowStale lets any server answer.
	AllowStale bool   `json:"-"`
	Prefix     string `json:"-"`
	Filter     string `json:"-"`
	NextToken  string `json:"-"`
	PerPage    int    `json:"-"`
	Reverse    bool   `json:"-"`
}

// Read returns the reading part.
func (o *ReadOptions) Read() *ReadOptions { return o }

// Request is implemented by a pointer to every request type, by embedding ReadOptions or WriteOptions.
type Request interface{ Options() *RequestOptions }

// ReadRequest is a Request that embeds ReadOptions.
type ReadRequest interface {
	Request
	Read() *ReadOptions
}

// Meta comes with every answer.
type Meta struct {
	// Index is the index to block on (reads) or of the write; 0 and HasIndex false when there is none.
	Index    uint64
	HasIndex bool
	// LastContact is how long ago the answering server heard from the leader.
	LastContact time.Duration
	KnownLeader bool
	// NextToken names the first object of the next page.
	NextToken string
}

// WriteMeta is embedded by responses of writes.
type WriteMeta struct {
	Index uint64
}

// SetMeta fills the embedded fields from the answer's meta.
func (w *WriteMeta) SetMeta(m *Meta) { w.Index = m.Index }

// ResponseMeta is embedded by responses that repeat the whole meta in their body.
type ResponseMeta struct {
	Index       uint64
	LastContact time.Duration
	KnownLeader bool
	NextToken   string
}

// SetMeta fills the embedded fields from the answer's meta.
func (r *ResponseMeta) SetMeta(m *Meta) {
	r.Index, r.LastContact, r.KnownLeader, r.NextToken = m.Index, m.LastContact, m.KnownLeader, m.NextToken
}

// MetaSetter is implemented by responses that embed WriteMeta or ResponseMeta.
type MetaSetter interface{ SetMeta(*Meta) }

// Empty is the response of operations that answer nothing.
type Empty struct{}

// Op declares an operation: route, RPC method, CLI call, metric label and docs row come from here.
//
// Request fields tagged path:"x" come from the {x} of the route and query:"x" from the query; the
// other fields come from a JSON body. A field tagged body:"optional" says that the body may be missing,
// for a field tagged body:"*" the whole body is that field's value, for a []byte tagged body:"raw" its bytes are.
type Op[Req, Resp any] struct {
	// Name is the RPC method and metric label, "Job.Get".
	Name string
	// HTTP lists the routes, "GET /v1/job/{job_id...}"; several are separated by ", ". PUT stands for
	// PUT and POST, "PUT!" and "POST!" for that method alone, ANY for every method. Empty: RPC only.
	HTTP string
	Mode Mode
	// Reads are the conventions a read follows.
	Reads Reads
	Need  Need
	// Doc is one full sentence.
	Doc string
	// Status is the HTTP status of success when it is not 200.
	Status int
	// NoIndex leaves the X-Nomad-* headers out (http-api.md 1.6).
	NoIndex bool
	// MayBeNull says that the answer may be null, because there is no such thing.
	MayBeNull bool
	// Metric is the contract's name of how long it takes, below nomad.nomad, where it is not made of Name.
	Metric string

	info *OpInfo
}

// StreamOp declares an operation that answers with a stream of Out and, for two-way streams, takes In.
type StreamOp[Req, In, Out any] struct {
	Name string
	HTTP string
	Mode Mode
	Wire Wire
	// JSONFrames gives frames the content type application/json; without it none is set.
	JSONFrames bool
	Need       Need
	Doc        string
	// Metric is the contract's name of how long it takes to begin, below nomad.nomad, where it is not made of Name.
	Metric string

	info *OpInfo
}

// Route is one HTTP route of an operation.
type Route struct {
	// Methods that match; empty for any.
	Methods []string
	// Pattern has {name} for one segment and {name...} for one or more.
	Pattern string
}

// OpInfo is the untyped side of a declaration, for the code that mounts, documents and forwards operations.
type OpInfo struct {
	Name    string
	Routes  []Route
	Mode    Mode
	Reads   Reads
	Need    Need
	Doc     string
	Status  int
	NoIndex bool
	// MayBeNull says that the answer may be null, because there is no such thing.
	MayBeNull bool
	// Stream says that the operation is a StreamOp, Wire how it looks over HTTP.
	Stream     bool
	Wire       Wire
	JSONFrames bool
	// NewRequest returns a pointer to a zero request, NewResponse to a zero response (nil for streams).
	NewRequest  func() Request
	NewResponse func() any
	// NewIn and NewOut return pointers to zero stream messages.
	NewIn, NewOut func() any
	// Metric is where how long it takes is measured, such as [nomad job get_job]. It must not be changed.
	Metric []string
}

// metricOf makes the metric of an operation: "Job.LatestDeployment" is job.latest_deployment unless it is named.
func metricOf(name, metric string) []string {
	if metric == "" {
		metric = strings.ReplaceAll(snakeCase(name), "._", ".")
	}
	return append([]string{"nomad"}, strings.Split(metric, ".")...)
}

// snakeCase puts a _ before each word, several capitals being one.
func snakeCase(s string) string {
	upper := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && upper(i) && (!upper(i-1) || i+1 < len(s) && s[i+1] >= 'a' && s[i+1] <= 'z') {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(s[i : i+1]))
	}
	return b.String()
}

// Repeater is implemented by the requests of writes some of which may be carried out once more.
type Repeater interface {
	// Repeatable reports whether this request changes nothing further when it is carried out once more.
	Repeatable() bool
}

// Repeatable reports whether a request may be sent once more when it is not known whether it has been carried out:
// the operation reads or is the report of a node, which replaces the one before, or the request says so.
func (o *OpInfo) Repeatable(req Request) bool {
	if o.Mode == ModeRead || o.Need.Internal {
		return true
	}
	if r, ok := req.(Repeater); ok {
		return r.Repeatable()
	}
	return o.gets()
}

// gets reports whether the operation only gets something over HTTP.
func (o *OpInfo) gets() bool {
	for _, r := range o.Routes {
		if len(r.Methods) != 1 || r.Methods[0] != http.MethodGet {
			return false
		}
	}
	return len(o.Routes) > 0 && o.Wire != WireSocket
}

// Elsewhere reports whether another agent may be asked after one has failed with err.
func (o *OpInfo) Elsewhere(req Request, err error) bool {
	return IsClass(err, ClassUnavailable) || IsClass(err, ClassNoLeader) || IsClass(err, ClassUnknown) && o.Repeatable(req)
}

var registry = map[string]*OpInfo{}

// Operations returns every declared operation sorted by name.
func Operations() []*OpInfo {
	ops := make([]*OpInfo, 0, len(registry))
	for _, o := range registry {
		ops = append(ops, o)
	}
	sort.Slice(ops, func(i, j int) bool { return ops[i].Name < ops[j].Name })
	return ops
}

// Lookup returns the operation with the name, nil when there is none.
func Lookup(name string) *OpInfo { return registry[name] }

func register(o *OpInfo) *OpInfo {
	if registry[o.Name] != nil {
		panic("api: operation declared twice: " + o.Name)
	}
	registry[o.Name] = o
	return o
}

// Declare registers the operation and returns it.
func Declare[Req, Resp any](o Op[Req, Resp]) *Op[Req, Resp] {
	o.info = register(&OpInfo{
		Name: o.Name, Routes: parseRoutes(o.HTTP), Mode: o.Mode, Reads: o.Reads, Need: o.Need, Doc: o.Doc,
		Status: o.Status, NoIndex: o.NoIndex, MayBeNull: o.MayBeNull, Metric: metricOf(o.Name, o.Metric),
		NewRequest:  newRequest[Req],
		NewResponse: func() any { return new(Resp) },
	})
	return &o
}

// DeclareStream registers the streaming operation and returns it.
func DeclareStream[Req, In, Out any](o StreamOp[Req, In, Out]) *StreamOp[Req, In, Out] {
	o.info = register(&OpInfo{
		Name: o.Name, Routes: parseRoutes(o.HTTP), Mode: o.Mode, Need: o.Need, Doc: o.Doc, NoIndex: true, Stream: true, Wire: o.Wire, JSONFrames: o.JSONFrames,
		Metric:     metricOf(o.Name, o.Metric),
		NewRequest: newRequest[Req],
		NewIn:      func() any { return new(In) },
		NewOut:     func() any { return new(Out) },
	})
	return &o
}

func newRequest[Req any]() Request {
	r, ok := any(new(Req)).(Request)
	if !ok {
		panic(fmt.Sprintf("api: %s does not embed ReadOptions or WriteOptions", reflect.TypeFor[Req]()))
	}
	return r
}

func parseRoutes(s string) []Route {
	var routes []Route
	for part := range strings.SplitSeq(s, ", ") {
		method, pattern, ok := strings.Cut(part, " ")
		if !ok {
			continue
		}
		r := Route{Pattern: pattern}
		switch method {
		case "PUT":
			r.Methods = []string{"PUT", "POST"}
		case "PUT!", "POST!":
			r.Methods = []string{method[:len(method)-1]}
		case "ANY":
		default:
			r.Methods = []string{method}
		}
		routes = append(routes, r)
	}
	return routes
}

// Info returns the untyped side.
func (o *Op[Req, Resp]) Info() *OpInfo { return o.info }

// Info returns the untyped side.
func (o *StreamOp[Req, In, Out]) Info() *OpInfo { return o.info }

// Caller runs operations: in process, over RPC or over HTTP.
type Caller interface {
	// Call runs the operation and fills resp, a pointer as NewResponse returns it.
	Call(ctx context.Context, op *OpInfo, req Request, resp any) (*Meta, error)
	// Open starts a streaming operation.
	Open(ctx context.Context, op *OpInfo, req Request) (Stream, error)
}

// Stream is one end of a streaming operation.
type Stream interface {
	// Send sends a message (a pointer); an error means the other end is gone.
	Send(msg any) error
	// Recv fills msg; io.EOF after the last one.
	Recv(msg any) error
	// CloseSend says that nothing more will be sent.
	CloseSend() error
	// Context ends with the stream.
	Context() context.Context
}

// Call runs the operation through c.
func (o *Op[Req, Resp]) Call(ctx context.Context, c Caller, req *Req) (Resp, *Meta, error) {
	var resp Resp
	meta, err := c.Call(ctx, o.info, any(req).(Request), &resp)
	return resp, meta, err
}

// Open starts the streaming operation through c.
func (o *StreamOp[Req, In, Out]) Open(ctx context.Context, c Caller, req *Req) (Stream, error) {
	return c.Open(ctx, o.info, any(req).(Request))
}
