// SPDX-License-Identifier: MPL-2.0
import { expect, test } from 'vitest';
import { schedulerCommand } from './scheduler-command';

const now = {
  SchedulerAlgorithm: '',
  MemoryOversubscriptionEnabled: true,
  RejectJobRegistration: false,
  PauseEvalBroker: false,
  PreemptionConfig: { SystemSchedulerEnabled: true, SysBatchSchedulerEnabled: false, BatchSchedulerEnabled: false, ServiceSchedulerEnabled: false },
  ModifyIndex: 7,
};

test('what is equal is shown, not set', () => {
  expect(schedulerCommand(now, { ...now, SchedulerAlgorithm: 'binpack' })).toBe('nomadlike operator scheduler get-config');
});

test('everything that differs has its flag', () => {
  const chosen = { ...now, SchedulerAlgorithm: 'spread', MemoryOversubscriptionEnabled: false, RejectJobRegistration: true, PauseEvalBroker: true, PreemptionConfig: { SystemSchedulerEnabled: false, SysBatchSchedulerEnabled: true, BatchSchedulerEnabled: true, ServiceSchedulerEnabled: true } };
  expect(schedulerCommand(now, chosen)).toBe(
    'nomadlike operator scheduler set-config -check-index=7 -scheduler-algorithm=spread -preempt-system-scheduler=false -preempt-sysbatch-scheduler=true -preempt-service-scheduler=true -preempt-batch-scheduler=true -memory-oversubscription=false -reject-job-registration=true -pause-eval-broker=true',
  );
});
