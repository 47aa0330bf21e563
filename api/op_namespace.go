// SPDX-License-Identifier: MPL-2.0

package api

// NamespaceListRequest asks for namespaces.
type NamespaceListRequest struct{ ReadOptions }

// NamespaceRequest names one namespace of a read.
type NamespaceRequest struct {
	ReadOptions
	Name string `path:"name"`
}

// NamespaceApplyRequest creates or changes a namespace.
type NamespaceApplyRequest struct {
	WriteOptions
	// PathName is the name of the route, empty for /v1/namespace; the object's name must be empty or equal.
	PathName string     `path:"name"`
	Object   *Namespace `body:"*"`
}

// NamespaceDeleteRequest names the namespace to delete.
type NamespaceDeleteRequest struct {
	WriteOptions
	Name string `path:"name"`
}

// Namespace operations.
var (
	NamespaceList = Declare(Op[NamespaceListRequest, []*Namespace]{
		Name: "Namespace.List", Metric: "namespace.list_namespace", HTTP: "GET /v1/namespaces", Mode: ModeRead, Reads: Blocking | Stale | Prefixed,
		Need: Need{Anyone: true}, Doc: "List the namespaces that the caller may see.",
	})
	NamespaceGet = Declare(Op[NamespaceRequest, *Namespace]{
		Name: "Namespace.Get", Metric: "namespace.get_namespace", HTTP: "GET /v1/namespace/{name}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Anyone: true}, Doc: "Read a namespace.",
	})
	NamespaceApply = Declare(Op[NamespaceApplyRequest, Empty]{
		Name: "Namespace.Apply", Metric: "namespace.upsert_namespaces", HTTP: "PUT /v1/namespace, PUT /v1/namespace/{name}", Mode: ModeRegion,
		Need: Need{Management: true}, Doc: "Create or change a namespace.",
	})
	NamespaceDelete = Declare(Op[NamespaceDeleteRequest, Empty]{
		Name: "Namespace.Delete", Metric: "namespace.delete_namespaces", HTTP: "DELETE /v1/namespace/{name}", Mode: ModeRegion,
		Need: Need{Management: true}, Doc: "Delete a namespace that nothing uses.",
	})
)
