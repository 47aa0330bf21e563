// SPDX-License-Identifier: MPL-2.0
import type { IconName } from '../components/icons';

/** The entries of the navigation; the letter after g goes there. */
export const places: { to: string; text: string; icon: IconName; letter: string }[] = [
  { to: '/jobs', text: 'Jobs', icon: 'jobs', letter: 'j' },
  { to: '/allocations', text: 'Allocations', icon: 'allocations', letter: 'a' },
  { to: '/services', text: 'Services', icon: 'services', letter: 'v' },
  { to: '/evaluations', text: 'Evaluations', icon: 'evaluations', letter: 'e' },
  { to: '/clients', text: 'Clients', icon: 'clients', letter: 'c' },
  { to: '/servers', text: 'Servers', icon: 'servers', letter: 's' },
  { to: '/topology', text: 'Topology', icon: 'topology', letter: 't' },
  { to: '/cluster', text: 'Cluster', icon: 'cluster', letter: 'u' },
];
