// SPDX-License-Identifier: MPL-2.0

package main

// operationNotes say how an operation differs from the contract, by its name in the table.
var operationNotes = map[string]string{
	"Job.Placement":            "an addition: why a job is or is not placed, and what would change that",
	"Job.Statuses":             "an addition: GroupCounts tells the count of each group",
	"Job.Stable":               "marking an older version does not make it the current job again, which is a quirk of the contract",
	"Job.Scale":                "job and event are one write, so that indexes are fewer; vertical scaling policies are accepted with a warning and not kept",
	"Job.Revert":               "one write, so that indexes are fewer",
	"Job.Dispatch":             "payloads are stored as they come, not compressed",
	"Job.Validate":             "runs on a server, so that it knows namespaces",
	"Volume.List":              "always empty: there are no volumes made through the API",
	"HostVolume.Claims":        "always empty: there are no volumes made through the API",
	"Plugin.List":              "always empty: there are no volume plugins",
	"Namespace.Apply":          "quota, node pool, vault, consul and claim settings are refused by name; the hash is SHA-256",
	"NodePool.Apply":           "a scheduler_config, which belongs to the commercial edition there, holds for the jobs of the pool (those of the pool all have the cluster's); the hash is SHA-256",
	"Agent.ServersSet":         "an agent that is a server too answers 400: its client uses that server",
	"Agent.Reload":             "settings that need a restart are named in a 400 instead of being passed over",
	"Agent.KeyringList":        "where gossip is not encrypted, the 500 says what to set",
	"Agent.KeyringInstall":     "where gossip is not encrypted, the 500 says what to set",
	"Agent.KeyringUse":         "where gossip is not encrypted, the 500 says what to set",
	"Agent.KeyringRemove":      "where gossip is not encrypted, the 500 says what to set",
	"Agent.Schedulers":         "followers report their workers as paused: scheduling runs on the leader",
	"Operator.AutopilotSet":    "redundancy zones and custom upgrades are refused, as they belong to the commercial edition",
	"Deployment.Unblock":       "refuses every deployment: there are no jobs of several regions",
	"Event.Stream":             "a request that is refused answers 4xx before the stream begins; a stream that the server ends says why in a last line {\"Error\": …}",
	"Search.Fuzzy":             "limit_query counts matching objects",
	"ClientAlloc.Exec":         "a web page that does not come from the agent gets 403, see Everywhere; after the last message comes a close frame",
	"Operator.SnapshotRestore": "the archive is checked in whole before it replaces anything; a redacted one, which would lock all nodes out, is refused",
	"Agent.Self":               "the configuration has the contract's names, but only for what exists; values that are not set are null where the default counts, durations are nanoseconds throughout; Version.Product is an addition",
}

// commandNotes say how a command differs from the contract.
var commandNotes = map[string]string{
	"agent":                     "what it says when it starts names this product and has a line for the web interface",
	"version":                   "tells the version of this product, that of the contract it keeps and the revision",
	"job status":                "an addition: below a placement failure, what would place the allocations and what stands in their way; why allocations are unhealthy or have failed",
	"deployment status":         "an addition: why allocations are unhealthy",
	"alloc status":              "an addition: the devices that a task has and what they tell",
	"alloc stop":                "an allocation of a system job is replaced at once, not by the next evaluation of its job",
	"eval status":               "an addition: below a failed placement, what would place the allocations and what stands in their way",
	"job run":                   "job files come from a path, standard input or http(s); other sources are refused by name; jobs without a deployment are followed until they run; what would place what was not placed, and why allocations are unhealthy, are additions",
	"job plan":                  "job files come from a path, standard input or http(s); what would place what cannot be placed is an addition; the unchanged fields of a changed block are always shown, not only with -verbose; a block that differs in nothing but what servers fill in, such as the ID of a scaling policy, is left out",
	"job history":               "-p shows the unchanged fields of a changed block and leaves out what differs in nothing that is shown, as job plan",
	"job validate":              "job files come from a path, standard input or http(s)",
	"job init":                  "-connect, -template and -list-templates are refused by name and with the reason",
	"job explain":               "an addition: why a job is or is not placed, and what would change that",
	"ui":                        "-authenticate is refused by name",
	"operator debug":            "the Consul and Vault flags are refused by name; metrics are those of the agent that is asked",
	"operator snapshot inspect": "types carry the names of our tables",
	"operator snapshot save":    "refuses to overwrite a file",
	"sim nodes":                 "an addition: simulated nodes over the real protocol",
}

// configNotes say how a configuration key differs from the contract.
var configNotes = map[string]string{
	"disable_update_check":        "nothing is ever checked for",
	"disable_anonymous_signature": "nothing is ever sent",
	"plugin.config":               "an external driver that refuses what fits its schema is listed with the reason and asked again, since what it needs may be down just now, instead of keeping the agent from starting",
	"server.raft_protocol":        "3 only, as in the contract",
	"client.options":              "options of drivers count unless the driver has a plugin block; the log names those that nothing reads",
	"server.log_file":             "what the server says goes there too; the agent's log has all of it",
	"client.artifact.filesystem_isolation_extra_paths": "modes w and c are refused: downloads write to their own directory only; what may be read may be executed",
	"rpc.dial_timeout":        "5s when it is not set, so that a server that does not answer is soon left for another",
	"rpc.keep_alive_interval": "10s at least",
	"client.max_dynamic_port": "65536, the end of the range in the contract, stands for 65535",
	"client.log_file":         "what the client says goes there too; the agent's log has all of it",
}

// metricNotes say which of the contract's metrics there are.
var metricNotes = []string{
	"Served under the contract's names, where the thing exists: `nomad.runtime.*`; `nomad.raft.*`, `nomad.serf.*` and `nomad.memberlist.*` as their libraries have them, `nomad.raft.boltdb.*` but for `getLog` and `logSize`, `nomad.nomad.autopilot.{healthy,failure_tolerance}`, `nomad.raft.appliedIndex`, `nomad.raft.lastIndex`, `nomad.state.snapshotIndex`; `nomad.nomad.rpc.{request,query,request_error}`; the time of each operation (docs/api.md has the names); `nomad.nomad.fsm.*`; `nomad.nomad.leader.{barrier,reconcile,reconcileMember}`; `nomad.nomad.heartbeat.{active,invalidate}`; `nomad.nomad.plan.{submit,evaluate,apply,queue_depth,node_rejected,rejection_tracker.node_score}`; `nomad.nomad.worker.{dequeue_eval,wait_for_index,invoke_scheduler.<type>,submit_plan,create_eval,update_eval,send_ack}`; `nomad.nomad.broker.{wait_time,process_time,response_time,total_*,<type>_ready,<type>_unacked}`; `nomad.nomad.blocked_evals.*` without quotas; `nomad.nomad.job_status.*`, `nomad.nomad.job_summary.*`; `nomad.client.{allocated,unallocated,allocations,tasks}.*`, `nomad.client.uptime`, `nomad.client.host.*`, `nomad.client.allocs.*`, `nomad.client.alloc_hook.prerun.*`, `nomad.client.task_hook.prestart.*`; in the Prometheus format `go_*` and `process_*`, too.",
	"`nomad.nomad.rpc.*` are added up and published every second, so that `Sum` is their number and `Count` that of the additions. They count operations where they pass: one that a follower hands to the leader counts on both.",
	"`nomad.nomad.broker.{wait_time,process_time,response_time}` have no labels `job` and `namespace`: there are too many jobs for three series of quantiles each.",
	"`nomad.nomad.blocked_evals.{cpu,memory}` is what queued allocations want, in all and per job, without labels of classes and data centers.",
	"`nomad.nomad.plan.submit` and `nomad.nomad.worker.submit_plan` are the same time: plans are made where they are applied. `create_eval` and `update_eval` are that of the same write when it made further evaluations and when it changed the evaluation, which is all it does where nothing is to be placed or stopped. Hooks have names of their own.",
	"Not there: `nomad.raft.boltdb.{getLog,logSize}` (one sample for each entry), `nomad.agent.http.*` (no published description says what they measure), `nomad.nomad.broker.eval_waiting` (one series a job; `total_waiting` counts them), `nomad.nomad.plan.wait_for_index` (plans wait for none), `nomad.scheduler.allocs.rescheduled.*` (one series for each allocation that failed), and those of ACL, Vault, Consul, CSI, quotas and licences.",
}

// generalNotes are differences that belong to no single operation.
var generalNotes = []string{
	"Access control, TLS between agents, variables, identities and CSI are not there yet; their paths and commands are refused by name.",
	"Tasks have no API of their own at `secrets/api.sock`, and no `NOMAD_UNIX_ADDR`: it is for requests with the identity of the task.",
	"Templates have 20 seconds for one rendering, which may be of 64 MiB, as may each value in it; its variables take at most 256 MiB from functions. A map cannot hold itself.",
	"Links in archives that are unpacked as artifacts are links, and one that leads out of the artifact refuses it; the reference makes empty files of all of them. A compressed file that is no archive is unpacked in every `mode`, there in mode `file` only.",
	"Objects and lists in a request body may be nested 200 levels deep.",
	"Job IDs that no path of the HTTP API leads to are refused: with an empty part or one of dots between slashes, and those that end like a path, such as `web/plan` or `web/versions`; so are control characters in names. The reference takes them, and nothing can read or stop such a job.",
	"A blocking read of one object or group wakes for changes of that object or group only.",
	"Long lists are sent while they are made. An error in one after the first 64 KiB, or after the first bytes of a file or log, cuts the connection off, so that nobody takes a part for the whole; there streams just end.",
	"Keys of the agent configuration that nothing acts on are refused with file and line, unless their value asks for nothing.",
	"A web page may open an exec or action session only if it comes from the agent's own address, from that of a proxy which tells X-Forwarded-Host, or from an origin that http_api_response_headers { Access-Control-Allow-Origin } allows; others get 403. Programs, which send no Origin, are not concerned.",
	"What tasks wrote - files, logs, streams of them - is answered with headers that keep a browser from running it.",
	"Answers are compressed with gzip where the client takes it, never with deflate alone.",
	"SIGINT and SIGTERM stop an agent in order with exit status 0.",
	"Tasks of `qemu` may have a block `cloud_init { user_data = \"local/user-data\" }` in their config, an addition: the machine gets a disc with the label `cidata`, the NoCloud source of cloud-init. `user_data`, `meta_data` and `network_config` are paths of files in the task's directory, which a `template` or `artifact` puts there; without `meta_data` the instance ID is that of the allocation and the host name that of the task with the first part of it. The disc is made anew with each start and lies in `secrets/`.",
	"Tasks of `qemu` may have `accelerator = \"auto\"`, an addition: `kvm` where the machine lets the agent use it, otherwise `tcg`. Where `image_path` leads has to be in the allocation directory or in `image_paths`; the reference follows no links, so that a link in one of these leads anywhere. With an `args_allowlist` a `machine_type` with options needs `-machine` in that list, and the files that images name (what is below a qcow, qcow2 or qed image, its data) have to be where images may be; images of VMware are refused. In the network of a group a `port_map` begins at the port that the group's port leads to (`to`), where the reference has the host's port, so that it works only without `to`.",
	"Tasks of `exec`, `java` and `raw_exec` may have a `pids_limit`, and so may the plugin blocks of these: the most that a task may have, and what it has otherwise. An addition.",
	"Checks of type `grpc` and `script` work with `provider = \"nomad\"`, where the reference leaves both to Consul: `grpc_service`, `grpc_use_tls`, `tls_skip_verify` and `tls_server_name`; `command`, `args` and `task`. See design/2026-11-29-services.md.",
	"Sources of `volumes` and `mount` of docker that are in the allocation directory are mounted below `.held` beside it as long as the task is there, unless volumes are enabled, so that no other task can put a link in their place: `docker inspect` shows those paths. A container that is kept after its task (`gc { container = false }`) cannot be started again with them. See design/2026-11-28-docker.md.",
	"The `extra_hosts` of all docker tasks of a group are in the hosts file that they share; the reference has those of the task that starts first. `host-gateway` in them is the gateway of the engine's default network.",
	"Tasks of `exec` and `java` have user namespaces of their own with `userns_mode = \"private\"`, or `default_userns_mode` in the plugin block; the reference has no such options. See design/2026-11-28-exec.md.",
	"`chroot_env` is shown to tasks by `exec` and `java` themselves, with mounts. Nothing is linked or copied into the directory of a task, which the reference does for every driver that isolates by `chroot`: an external driver of that kind finds there what a task has anyhow.",
	"Tasks of `exec` and `java` do not see the host's name: they are called by the first two parts of their allocation's ID, as `/etc/hosts`, `/etc/hostname` and an inherited `HOSTNAME` say too, or as the network of their group. `uts_mode = \"host\"`, or `default_uts_mode` in the plugin block, shows the host's; the reference has no such options and always does. See design/2026-11-28-exec.md.",
}
