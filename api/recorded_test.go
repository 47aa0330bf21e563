// SPDX-License-Identifier: MPL-2.0

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// recordings maps every recorded JSON document to the type it is an instance of. The documents are real
// answers of the reference, see testdata/recorded.
var recordings = map[string]any{
	"acl-auth-method-create":               ACLAuthMethod{},
	"acl-auth-methods":                     []*ACLAuthMethodListStub{},
	"acl-binding-rule-create":              ACLBindingRule{},
	"acl-binding-rules":                    []*ACLBindingRuleListStub{},
	"acl-bootstrap":                        ACLToken{},
	"acl-client-intro-token":               ClientIntroductionToken{},
	"acl-disabled-token-self":              ACLToken{},
	"acl-policies":                         []*ACLPolicyListStub{},
	"acl-policy-read":                      ACLPolicy{},
	"acl-policy-self":                      []*ACLPolicyListStub{},
	"acl-role-create":                      ACLRole{},
	"acl-roles":                            []*ACLRole{},
	"acl-token-create":                     ACLToken{},
	"acl-token-onetime":                    OneTimeTokenResponse{},
	"acl-token-onetime-exchange":           OneTimeTokenExchangeResponse{},
	"acl-token-self":                       ACLToken{},
	"acl-token-self-anon":                  ACLToken{},
	"acl-token-update":                     ACLToken{},
	"acl-tokens":                           []*ACLTokenListStub{},
	"agent-health":                         AgentHealthResponse{},
	"agent-join":                           AgentJoinResponse{},
	"agent-keyring-list":                   KeyringResponse{},
	"agent-members":                        ServerMembers{},
	"agent-schedulers":                     AgentSchedulerWorkers{},
	"agent-schedulers-config":              AgentSchedulerConfig{},
	"agent-self":                           AgentSelf{},
	"agent-servers":                        []string{},
	"allocation-checks":                    map[string]*CheckResult{},
	"allocation-read":                      Allocation{},
	"allocation-read-after-signal":         Allocation{},
	"allocation-read-batch":                Allocation{},
	"allocation-services":                  []*ServiceRegistration{},
	"allocation-stop":                      AllocStopResponse{},
	"allocations-list":                     []*AllocListStub{},
	"client-alloc-restart":                 WriteMeta{},
	"client-alloc-signal":                  WriteMeta{},
	"client-alloc-stats":                   AllocResourceUsage{},
	"client-fs-logs-framed":                StreamFrame{},
	"client-fs-ls":                         []*AllocFileInfo{},
	"client-fs-stat":                       AllocFileInfo{},
	"client-fs-stream":                     StreamFrame{},
	"client-metadata":                      NodeMetadata{},
	"client-metadata-apply":                NodeMetadata{},
	"client-stats":                         HostStats{},
	"deployment-allocations":               []*AllocListStub{},
	"deployment-canary":                    Deployment{},
	"deployment-fail":                      DeploymentUpdateResponse{},
	"deployment-pause":                     DeploymentUpdateResponse{},
	"deployment-promote":                   DeploymentUpdateResponse{},
	"deployment-read":                      Deployment{},
	"deployments-list":                     []*Deployment{},
	"evaluation-allocations":               []*AllocListStub{},
	"evaluation-read":                      Evaluation{},
	"evaluations-count":                    EvalCountResponse{},
	"evaluations-list":                     []*Evaluation{},
	"evaluations-page":                     []*Evaluation{},
	"job-actions":                          []*JobAction{},
	"job-allocations":                      []*AllocListStub{},
	"job-allocations-dispatched":           []*AllocListStub{},
	"job-deployment":                       Deployment{},
	"job-deployments":                      []*Deployment{},
	"job-deregister":                       JobDeregisterResponse{},
	"job-deregister-purge":                 JobDeregisterResponse{},
	"job-dispatch":                         JobDispatchResponse{},
	"job-dispatch-idempotent":              JobDispatchResponse{},
	"job-evaluate":                         JobRegisterResponse{},
	"job-evaluations":                      []*Evaluation{},
	"job-periodic-force":                   JobPeriodicForceResponse{},
	"job-plan-infeasible":                  JobPlanResponse{},
	"job-plan-new":                         JobPlanResponse{},
	"job-plan-periodic":                    JobPlanResponse{},
	"job-plan-update":                      JobPlanResponse{},
	"job-read":                             Job{},
	"job-read-dispatched":                  Job{},
	"job-read-periodic":                    Job{},
	"job-revert":                           JobRegisterResponse{},
	"job-scale":                            JobRegisterResponse{},
	"job-scale-error-event":                JobRegisterResponse{},
	"job-scale-status":                     JobScaleStatus{},
	"job-scale-status-events":              JobScaleStatus{},
	"job-services":                         []*ServiceRegistration{},
	"job-stable":                           WriteMeta{},
	"job-submission":                       JobSubmission{},
	"job-summary":                          JobSummary{},
	"job-summary-parent":                   JobSummary{},
	"job-update":                           JobRegisterResponse{},
	"job-version-tag":                      JobVersionTagResponse{},
	"job-version-untag":                    JobVersionTagResponse{},
	"job-versions-diff":                    JobVersionsResponse{},
	"jobs-list":                            []*JobListStub{},
	"jobs-list-meta-filter":                []*JobListStub{},
	"jobs-list-page1":                      []*JobListStub{},
	"jobs-list-page2":                      []*JobListStub{},
	"jobs-parse":                           inputForm{&Job{}, typeinfo.Input},
	"jobs-parse-canonicalize":              inputForm{&Job{}, typeinfo.Canonical},
	"jobs-register":                        JobRegisterResponse{},
	"jobs-register-parameterized":          JobRegisterResponse{},
	"jobs-statuses":                        []*JobStatus{},
	"jobs-statuses-page":                   []*JobStatus{},
	"jwks":                                 JWKS{},
	"metrics":                              MetricsSummary{},
	"namespace-read":                       Namespace{},
	"namespaces-list":                      []*Namespace{},
	"node-allocations":                     []*Allocation{},
	"node-drain-disable":                   NodeEligibilityResponse{},
	"node-drain-enable":                    NodeEligibilityResponse{},
	"node-eligibility":                     NodeEligibilityResponse{},
	"node-evaluate":                        NodeUpdateResponse{},
	"node-pool-jobs":                       []*JobListStub{},
	"node-pool-nodes":                      []*NodeListStub{},
	"node-pool-read":                       NodePool{},
	"node-pools-list":                      []*NodePool{},
	"node-read":                            Node{},
	"node-read-draining":                   Node{},
	"nodes-list":                           []*NodeListStub{},
	"oidc-discovery":                       OIDCDiscovery{},
	"operator-autopilot-configuration":     AutopilotConfiguration{},
	"operator-autopilot-configuration-put": true,
	"operator-autopilot-configuration-put.request": AutopilotConfiguration{},
	"operator-autopilot-health":                    OperatorHealthReply{},
	"operator-keyring-keys":                        []*RootKeyMeta{},
	"operator-keyring-rotate":                      KeyringRotateResponse{},
	"operator-raft-configuration":                  RaftConfiguration{},
	"operator-scheduler-configuration":             SchedulerConfigurationResponse{},
	"operator-scheduler-configuration-put":         SchedulerSetConfigurationResponse{},
	"operator-upgrade-check-vault":                 UpgradeCheckVaultResponse{},
	"regions":                                      []string{},
	"scaling-policies":                             []*ScalingPolicyListStub{},
	"scaling-policy":                               ScalingPolicy{},
	"search":                                       SearchResponse{},
	"search-fuzzy":                                 FuzzySearchResponse{},
	"service-read":                                 []*ServiceRegistration{},
	"services-list":                                []*ServiceListStub{},
	"status-leader":                                "",
	"status-peers":                                 []string{},
	"validate-job":                                 JobValidateResponse{},
	"validate-job-invalid":                         JobValidateResponse{},
	"var-cas-conflict":                             Variable{},
	"var-lock-acquire":                             Variable{},
	"var-lock-acquire-conflict":                    Variable{},
	"var-lock-release":                             Variable{},
	"var-lock-renew":                               VariableMetadata{},
	"var-put":                                      Variable{},
	"var-read":                                     Variable{},
	"vars-list":                                    []*VariableMetadata{},
	"volume-host-create":                           HostVolumeCreateResponse{},
	"volume-host-delete":                           WriteMeta{},
	"volume-host-read":                             HostVolume{},
	"volumes-list-host":                            []*HostVolumeStub{},
}

// inputForm marks a recording that is not in the response form.
type inputForm struct {
	value any
	form  typeinfo.Form
}

// TestRecordedResponses decodes every recorded document into its type and encodes it again: the result
// must be the same JSON, numbers to the letter.
func TestRecordedResponses(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	seen := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		prototype, known := recordings[name]
		if !known {
			if !strings.HasSuffix(name, ".request") {
				t.Errorf("%s has no type in the table", name)
			}
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			form := typeinfo.Response
			if in, ok := prototype.(inputForm); ok {
				prototype, form = reflect.ValueOf(in.value).Elem().Interface(), in.form
			}
			data := readRecording(t, name)
			value := reflect.New(reflect.TypeOf(prototype))
			if err := typeinfo.Unmarshal(data, value.Interface()); err != nil {
				t.Fatal(err)
			}
			if path := typeinfo.Hole(value.Interface()); path != "" {
				t.Errorf("%s is null, which a client refuses", path)
			}
			got, err := typeinfo.Marshal(value.Interface(), form)
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range diffJSON(t, data, got) {
				t.Error(difference)
			}
		})
	}
	if seen != len(recordings) {
		t.Errorf("the table names %d recordings, %d exist", len(recordings), seen)
	}
}

// TestRecordedRequests decodes the recorded request bodies into the request types.
func TestRecordedRequests(t *testing.T) {
	for name, request := range map[string]any{
		"jobs-register.request":               &JobRegisterRequest{},
		"jobs-register-parameterized.request": &JobRegisterRequest{},
		"job-update.request":                  &JobRegisterRequest{},
		"job-plan-new.request":                &JobPlanRequest{},
		"job-plan-update.request":             &JobPlanRequest{},
		"job-plan-infeasible.request":         &JobPlanRequest{},
		"job-plan-periodic.request":           &JobPlanRequest{},
		"validate-job.request":                &JobValidateRequest{},
		"validate-job-invalid.request":        &JobValidateRequest{},
		"jobs-parse.request":                  &JobParseRequest{},
		"jobs-parse-canonicalize.request":     &JobParseRequest{},
	} {
		if err := typeinfo.Unmarshal(readRecording(t, name), request); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if reflect.ValueOf(request).Elem().IsZero() {
			t.Errorf("%s: nothing decoded", name)
		}
	}
}

// TestRecordedEvents does the same for the batches of the event stream.
func TestRecordedEvents(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded/event-stream.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	batches := 0
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.Equal(line, []byte("{}")) { // a heartbeat
			continue
		}
		batches++
		var batch EventBatch
		if err := typeinfo.Unmarshal(line, &batch); err != nil {
			t.Fatal(err)
		}
		got, err := typeinfo.Marshal(&batch, typeinfo.Response)
		if err != nil {
			t.Fatal(err)
		}
		for _, difference := range diffJSON(t, line, got) {
			t.Error(difference)
		}
	}
	if batches == 0 {
		t.Error("no batches recorded")
	}
}

func readRecording(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "recorded", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// diffJSON lists the differences of two documents; object keys are unordered, numbers compare as text.
func diffJSON(t testing.TB, want, got []byte) []string {
	t.Helper()
	return diffValues("", decodeJSON(t, want), decodeJSON(t, got))
}

func decodeJSON(t testing.TB, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

func diffValues(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			break
		}
		var all []string
		for key, value := range want {
			other, found := object[key]
			if !found {
				all = append(all, fmt.Sprintf("%s.%s is missing, want %v", path, key, value))
				continue
			}
			all = append(all, diffValues(path+"."+key, value, other)...)
		}
		for key, value := range object {
			if _, found := want[key]; !found {
				all = append(all, fmt.Sprintf("%s.%s is %v, should not be there", path, key, value))
			}
		}
		slices.Sort(all)
		return all
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		var all []string
		for i := range want {
			all = append(all, diffValues(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])...)
		}
		return all
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v, want %v", path, got, want)}
}
