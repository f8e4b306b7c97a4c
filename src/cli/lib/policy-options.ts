import type { OptionSpec } from './command.ts';

/** Options of `policy set` that say what a policy is to say. `none` takes a field away. */
export const POLICY_OPTIONS: readonly OptionSpec[] = [
  { flags: '--tools <ids>', summary: 'ids, prefix.* or *, with commas' },
  { flags: '--payees <addresses>', summary: 'who may be paid, with commas; any' },
  {
    flags: '--per-call <amount>',
    summary: 'the most one call may cost, in dollars: 0.05; or in atomic units: 50000u',
  },
  { flags: '--per-hour <amount>', summary: 'the most in one hour' },
  { flags: '--per-day <amount>', summary: 'the most in one day of UTC' },
  { flags: '--per-month <amount>', summary: 'the most in one month of UTC' },
  { flags: '--lifetime <amount>', summary: 'the most ever' },
  { flags: '--unsettled <amount>', summary: 'the most accepted and not yet settled' },
  { flags: '--rate <calls/time>', summary: 'e.g. 60/60s' },
  { flags: '--repeat <times/time>', summary: 'the same request, e.g. 3/60s' },
  { flags: '--alert <percent>', summary: 'of a limit, when an alert is raised (80)' },
  { flags: '--binding <how>', summary: 'intent: only what is bound to its request' },
  { flags: '--from <time>', summary: 'from when it allows anything' },
  { flags: '--until <time>', summary: 'until when, e.g. 2026-12-31 or 30d' },
];
