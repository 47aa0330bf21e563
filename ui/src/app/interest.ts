// SPDX-License-Identifier: MPL-2.0
import type { Event, NamespacedID } from '../api/types.gen';

/** The part of an event that decides what it changes. */
export type Change = Pick<Event, 'Topic' | 'Key' | 'FilterKeys'> & { NodeID?: string };

/** The topics that a family of operations shows, by the first part of the operation's name. */
const topics: Record<string, string[]> = {
  Job: ['Job', 'Allocation', 'Evaluation', 'Deployment'],
  Alloc: ['Allocation'],
  Eval: ['Evaluation', 'Allocation'],
  Node: ['Node', 'Allocation'],
  NodePool: ['NodePool', 'Node'],
  Deployment: ['Deployment', 'Allocation'],
  Service: ['Service'],
};

/** Reads whose answer does not depend on all topics of their family. */
const narrower: Record<string, string[]> = {
  'Job.Get': ['Job'],
  'Job.Versions': ['Job'],
  'Job.Submission': ['Job'],
  'Job.Evaluations': ['Evaluation'],
  'Job.Allocations': ['Allocation'],
  'Job.Deployments': ['Deployment', 'Allocation'],
  'Job.LatestDeployment': ['Deployment', 'Allocation'],
  'Node.List': ['Node'],
  'Node.Get': ['Node'],
  'Node.Allocations': ['Allocation'],
  'Eval.List': ['Evaluation'],
  'Eval.Get': ['Evaluation', 'Node'],
  'Eval.Count': ['Evaluation'],
};

/** Reports whether a change may alter the answer of a read. */
export function concerns(name: string, params: Record<string, unknown>, change: Change): boolean {
  const wanted = narrower[name] ?? topics[name.split('.')[0] ?? ''];
  if (!wanted?.includes(change.Topic)) return false;
  const is = (id: unknown) => change.Key === id || (change.FilterKeys ?? []).includes(id as string);
  if (params.JobID !== undefined) return is(params.JobID);
  if (Array.isArray(params.Jobs)) return (params.Jobs as NamespacedID[]).some((j) => is(j.ID));
  if (params.AllocID !== undefined) return change.Key === params.AllocID;
  if (params.NodeID !== undefined) return change.Topic === 'Node' ? is(params.NodeID) : change.NodeID === undefined || change.NodeID === params.NodeID;
  if (params.ServiceName !== undefined) return is(params.ServiceName);
  if (params.DeploymentID !== undefined) return is(params.DeploymentID);
  if (params.EvalID !== undefined) return change.Topic !== 'Evaluation' || is(params.EvalID);
  return true;
}
