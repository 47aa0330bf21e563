// SPDX-License-Identifier: MPL-2.0

package api

// ServiceListRequest asks for the names of services.
type ServiceListRequest struct{ ReadOptions }

// ServiceRequest names a service; Choose "<n>|<key>" picks n of its instances, always the same ones for a key.
type ServiceRequest struct {
	ReadOptions
	ServiceName string `path:"service_name"`
	Choose      string `query:"choose"`
}

// ServiceDeleteRequest names one registration of a service.
type ServiceDeleteRequest struct {
	WriteOptions
	ServiceName string `path:"service_name"`
	ID          string `path:"id"`
}

// ServiceSyncRequest tells the servers what the allocations of a node have registered.
type ServiceSyncRequest struct {
	WriteOptions
	NodeID   string
	SecretID string
	Allocs   []*AllocServiceSet
}

// AllocServiceSet is all that one allocation has registered: what the servers know beyond it is removed.
type AllocServiceSet struct {
	AllocID  string
	Services []*ServiceRegistration
	// Partial keeps registrations that are not listed, as while an agent looks for its tasks after a restart.
	Partial bool
}

// Service registration operations.
var (
	ServiceList = Declare(Op[ServiceListRequest, []*ServiceListStub]{
		Name: "Service.List", HTTP: "GET /v1/services", Mode: ModeRead, Reads: Blocking | Stale | AllNamespacesList,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the names of services by namespace.",
	})
	ServiceGet = Declare(Op[ServiceRequest, []*ServiceRegistration]{
		Name: "Service.Get", HTTP: "GET /v1/service/{service_name}", Mode: ModeRead,
		Reads: Blocking | Stale | Paginated | Reversible | Filtered,
		Need:  Need{Namespace: []string{"read-job"}}, Doc: "List the registrations of a service.",
	})
	ServiceDelete = Declare(Op[ServiceDeleteRequest, Empty]{
		Name: "Service.Delete", HTTP: "DELETE /v1/service/{service_name}/{id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "delete-service-registration"}}, Doc: "Delete a service registration.",
	})
	ServiceSync = Declare(Op[ServiceSyncRequest, *WriteMeta]{
		Name: "Service.Sync", Mode: ModeWrite, Need: Need{Internal: true}, Doc: "Replace what allocations of a node have registered.",
	})
	AllocServices = Declare(Op[AllocRequest, []*ServiceRegistration]{
		Name: "Alloc.Services", HTTP: "GET /v1/allocation/{alloc_id}/services", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the service registrations of an allocation.",
	})
)
