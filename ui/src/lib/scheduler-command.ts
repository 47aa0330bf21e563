// SPDX-License-Identifier: MPL-2.0
import type { PreemptionConfig, SchedulerConfiguration } from '../api/types.gen';

type Config = Pick<SchedulerConfiguration, 'SchedulerAlgorithm' | 'MemoryOversubscriptionEnabled' | 'RejectJobRegistration' | 'PauseEvalBroker' | 'PreemptionConfig' | 'ModifyIndex'>;

const preemption: [keyof PreemptionConfig, flag: string][] = [
  ['SystemSchedulerEnabled', 'preempt-system-scheduler'],
  ['SysBatchSchedulerEnabled', 'preempt-sysbatch-scheduler'],
  ['ServiceSchedulerEnabled', 'preempt-service-scheduler'],
  ['BatchSchedulerEnabled', 'preempt-batch-scheduler'],
];

/** The command line that changes the scheduler configuration to what was chosen, or shows it when nothing differs. */
export function schedulerCommand(now: Config, chosen: Config): string {
  const flags: string[] = [];
  const differs = (flag: string, a: boolean | undefined, b: boolean | undefined) => {
    if ((a ?? false) !== (b ?? false)) flags.push(`-${flag}=${b ?? false}`);
  };
  if ((now.SchedulerAlgorithm || 'binpack') !== (chosen.SchedulerAlgorithm || 'binpack')) flags.push(`-scheduler-algorithm=${chosen.SchedulerAlgorithm || 'binpack'}`);
  for (const [name, flag] of preemption) differs(flag, now.PreemptionConfig?.[name], chosen.PreemptionConfig?.[name]);
  differs('memory-oversubscription', now.MemoryOversubscriptionEnabled, chosen.MemoryOversubscriptionEnabled);
  differs('reject-job-registration', now.RejectJobRegistration, chosen.RejectJobRegistration);
  differs('pause-eval-broker', now.PauseEvalBroker, chosen.PauseEvalBroker);
  return flags.length === 0 ? 'nomadlike operator scheduler get-config' : `nomadlike operator scheduler set-config -check-index=${now.ModifyIndex} ${flags.join(' ')}`;
}
