// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// MigrateTokenTTL is for how long a migrate token can be used.
const MigrateTokenTTL = 15 * time.Minute

// MigrateToken returns what permits its bearer to read the data of an allocation from the node that ran it,
// whose secret is known to the servers and the node alone: "<unix seconds of its end>.<hex>".
func MigrateToken(allocID, nodeSecret string, now time.Time) string {
	end := strconv.FormatInt(now.Add(MigrateTokenTTL).Unix(), 10)
	return end + "." + migrateMAC(allocID, nodeSecret, end)
}

// CheckMigrateToken reports whether a token is one of MigrateToken that has not ended.
func CheckMigrateToken(token, allocID, nodeSecret string, now time.Time) bool {
	end, mac, _ := strings.Cut(token, ".")
	if nodeSecret == "" || subtle.ConstantTimeCompare([]byte(mac), []byte(migrateMAC(allocID, nodeSecret, end))) != 1 {
		return false
	}
	at, err := strconv.ParseInt(end, 10, 64)
	return err == nil && now.Before(time.Unix(at, 0))
}

func migrateMAC(allocID, nodeSecret, end string) string {
	h := hmac.New(sha256.New, []byte(nodeSecret))
	_, _ = h.Write([]byte("migrate\x00" + allocID + "\x00" + end))
	return hex.EncodeToString(h.Sum(nil))
}

// MigrationRequest asks about the allocation that one of the node's replaces and whose data it wants.
type MigrationRequest struct {
	ReadOptions
	NodeID   string
	SecretID string
	// AllocID is the new allocation.
	AllocID string
}

// Migration says where the data of a replaced allocation is.
type Migration struct {
	// Lost says that the data cannot be had: the allocation or its node is gone.
	Lost bool
	// Ended says that the allocation has ended, so that its data does not change any more.
	Ended bool
	// AllocID is the replaced allocation, Address the HTTP address of its node, host:port.
	AllocID    string
	Address    string
	TLSEnabled bool
	// Token is the migrate token for the data, once the allocation has ended.
	Token string
}

// AllocSnapshotRequest asks for the data that moves with an allocation.
type AllocSnapshotRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
}

// Target names the client of the allocation.
func (r *AllocSnapshotRequest) Target() Target { return allocTarget(r.AllocID) }

// Operations of moving data between nodes.
var (
	AllocMigration = Declare(Op[MigrationRequest, *Migration]{
		Name: "Alloc.Migration", Mode: ModeRead, Reads: Blocking | Stale, Need: Need{Internal: true},
		Doc: "Wait for the end of a replaced allocation and tell where its data is.",
	})
	AllocSnapshot = DeclareStream(StreamOp[AllocSnapshotRequest, Empty, Chunk]{
		Name: "ClientAlloc.Snapshot", HTTP: "GET /v1/client/allocation/{alloc_id}/snapshot", Mode: ModeNode, Wire: WireDownload,
		Need: Need{Anyone: true}, Doc: "Download what moves with an allocation, as a tar archive; the token must be its migrate token.",
	})
)
